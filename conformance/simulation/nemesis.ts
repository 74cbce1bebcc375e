import { brokerName } from '../../mesh/sim/broker.js';
import type { SeededRandom } from '../../mesh/sim/seeded-random.js';
import type { SimulatedProcess } from '../../mesh/sim/simulated-process.js';
import { processorName } from './processor-witness.js';
import type { Scene } from './scene.js';
import type { SimulatedShop } from './simulated-shop.js';

/** Kinds of faults, each with what it does to the shop. */
export const faultKinds = [
  'crash',
  'crash after commit',
  'crash all',
  'pause',
  'partition',
  'one-way partition',
  'lost request',
  'lost reply',
  'doubled request',
  'late duplicate',
  'slow link',
  'full disk',
  'clock jump',
  'expiry passes',
  'old event again',
  'poison message',
  'outage outside',
] as const;
export type FaultKind = (typeof faultKinds)[number];

/** What a poison message claims to be: who wants such messages gets it. */
export const poisonType = { topic: 'order', type: 'meshmart.order.v1.OrderConfirmed' } as const;

/** Does harm. */
export interface Nemesis {
  /** One fault, drawn by chance. */
  strike(): void;
  /** How many of each kind there were. */
  count(): Readonly<Partial<Record<FaultKind, number>>>;
  /** Ids of the poison messages put on the bus: each must end as a dead letter. */
  poisoned(): readonly string[];
  /** Everything runs and everything is fair from now on. */
  heal(): void;
}

/** Who calls whom. */
export type Link = readonly [from: string, to: string];

/** The links of a purchase. */
const usualLinks: readonly Link[] = [
  ['gateway', 'cart'],
  ['gateway', 'order'],
  ['order', 'cart'],
  ['order', 'catalog'],
  ['order', 'shipping'],
  ['order', 'inventory'],
  ['order', 'payment'],
  ['inventory', 'order'],
  ['cart', 'catalog'],
  ['payment', processorName],
  ['order', brokerName],
  ['notification', 'mail'],
  [brokerName, 'cart'],
  [brokerName, 'notification'],
  [brokerName, 'recommendation'],
];

/** How likely each kind is, relative to the others. */
const usualWeights: Readonly<Record<FaultKind, number>> = {
  crash: 14,
  'crash after commit': 12,
  'crash all': 1,
  pause: 6,
  partition: 6,
  'one-way partition': 6,
  'lost request': 8,
  'lost reply': 14,
  'doubled request': 8,
  'late duplicate': 8,
  'slow link': 4,
  'full disk': 4,
  'clock jump': 3,
  'expiry passes': 1,
  'old event again': 4,
  'poison message': 0.3,
  'outage outside': 3,
};

/**
 * Makes the nemesis of a shop.
 * @param scene weights of some kinds, and links, instead of the usual ones.
 */
export function createNemesis(
  shop: SimulatedShop,
  random: SeededRandom,
  scene: Pick<Scene, 'faultWeights' | 'links'>,
): Nemesis {
  const weights = { ...usualWeights, ...scene.faultWeights };
  const links = scene.links ?? usualLinks;
  const { schedule, weather, processes, disks, broker, trace } = shop;
  const counts: Partial<Record<FaultKind, number>> = {};
  const crashing = new Map<string, number>();
  const poison: string[] = [];
  let over = false;

  const crash = (process: SimulatedProcess, downMs: number) => {
    process.kill();
    schedule.after(downMs, process.start);
  };
  for (const [service, disk] of disks)
    disk.onCommit((life) => {
      const wanted = crashing.get(service) ?? 0;
      if (wanted === 0 || over) return;
      crashing.set(service, wanted - 1);
      const process = processes.find((one) => one.life() === life);
      // Here the commit is on disk, and nobody knows of it yet.
      if (process !== undefined) crash(process, random.between(20, 600));
    });

  const link = () => random.pick(links);
  const strikeKind = (kind: FaultKind): string => {
    const untilMs = schedule.nowMs() + random.between(50, 1_500);
    switch (kind) {
      case 'crash': {
        const process = random.pick(processes);
        crash(process, random.between(10, 800));
        return process.name;
      }
      case 'crash after commit': {
        const service = random.pick(['order', 'payment', 'inventory', 'cart', 'shipping', 'notification']);
        crashing.set(service, (crashing.get(service) ?? 0) + 1);
        return service;
      }
      case 'crash all':
        for (const process of processes) crash(process, random.between(10, 500));
        return '';
      case 'pause': {
        const process = random.pick(processes);
        process.life()?.pause(schedule.nowMs() + random.between(100, 8_000));
        return process.name;
      }
      case 'partition': {
        const [from, to] = link();
        const silently = random.chance(0.6);
        weather.cut(from, to, untilMs, silently);
        weather.cut(to, from, untilMs, silently);
        return `${from} ${to}`;
      }
      case 'one-way partition': {
        const [from, to] = link();
        const back = random.chance(0.5);
        weather.cut(back ? to : from, back ? from : to, untilMs, true);
        return `${from} ${to}`;
      }
      case 'lost request':
        return planned('lose');
      case 'lost reply':
        return planned('lose reply');
      case 'doubled request':
        return planned('double');
      case 'late duplicate':
        return planned('double late');
      case 'slow link': {
        const [from, to] = link();
        weather.slow(from, to, random.between(20, 6_000), untilMs);
        return `${from} ${to}`;
      }
      case 'full disk': {
        const name = random.pick([...disks.keys()]);
        disks.get(name)?.failUntil(untilMs);
        return name;
      }
      case 'clock jump': {
        const process = random.pick(processes);
        process.jump(random.between(-20_000, 20_000));
        return process.name;
      }
      case 'expiry passes':
        // As if nobody had touched anything for longer than a reservation lasts.
        for (const process of processes) if (process.service === 'inventory') process.jump(16 * 60_000);
        return '';
      case 'old event again':
        broker.redeliverOld(random.below(1 << 30));
        return '';
      case 'poison message':
        poison.push(`poison-${poison.length + 1}`);
        broker.inject({
          id: `poison-${poison.length}`,
          ...poisonType,
          key: `poison-${poison.length}`,
          data: new Uint8Array([0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f]),
          occurredAtMs: 0,
          traceparent: undefined,
        });
        return '';
      case 'outage outside': {
        const to = random.pick([processorName, 'mail', brokerName]);
        weather.cut('*', to, untilMs, random.chance(0.5));
        return to;
      }
      default:
        return kind satisfies never;
    }
    function planned(mishap: Parameters<typeof weather.plan>[2]): string {
      const [from, to] = link();
      weather.plan(from, to, mishap);
      return `${from} ${to}`;
    }
  };

  const sum = faultKinds.reduce((total, kind) => total + weights[kind], 0);
  const draw = (): FaultKind => {
    let at = random.next() * sum;
    for (const kind of faultKinds) {
      at -= weights[kind];
      if (at < 0) return kind;
    }
    return 'crash';
  };
  return {
    strike: () => {
      const kind = draw();
      counts[kind] = (counts[kind] ?? 0) + 1;
      trace.note('fault', kind, strikeKind(kind), '');
    },
    count: () => counts,
    poisoned: () => poison,
    heal: () => {
      over = true;
      weather.clear();
      for (const disk of disks.values()) disk.failUntil(0);
      for (const process of processes) process.start();
    },
  };
}
