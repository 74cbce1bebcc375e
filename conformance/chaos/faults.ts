import type { SeededRandom } from '../../mesh/sim/seeded-random.js';
import type { Edge } from '../fault-proxy/switchboard.js';

/** Kinds of faults, as the verdict table names them. */
export const faultKinds = [
  'kill -9',
  'kill -9 of all',
  'stop and resume',
  'restart',
  'cut both ways',
  'cut one way',
  'refused connections',
  'reset mid-message',
  'dropped reply',
  'slow edge',
  'kill -9 of Redis',
  'kill -9 of PostgreSQL',
  'kill -9 of Consul',
  'kill -9 of RabbitMQ',
  'kill -9 of Kafka',
] as const;
export type FaultKind = (typeof faultKinds)[number];

/** How likely each kind is, relative to the others. */
const weights: Readonly<Record<FaultKind, number>> = {
  'kill -9': 18,
  'kill -9 of all': 0.5,
  'stop and resume': 12,
  restart: 6,
  'cut both ways': 12,
  'cut one way': 12,
  'refused connections': 6,
  'reset mid-message': 12,
  'dropped reply': 14,
  'slow edge': 10,
  'kill -9 of Redis': 2.5,
  'kill -9 of PostgreSQL': 2.5,
  'kill -9 of Consul': 2.5,
  'kill -9 of RabbitMQ': 2.5,
  'kill -9 of Kafka': 2.5,
};

/** One fault that shall be. */
export interface PlannedFault {
  readonly kind: FaultKind;
  /** When, in milliseconds since the load began. */
  readonly atMs: number;
  /** How long it lasts, in milliseconds; 0 for what can't be taken back. */
  readonly lastsMs: number;
  /** The service whose process it hits; empty where it hits an edge, a server or all. */
  readonly service: string;
  /** The edge that it hits. */
  readonly edge: Edge | undefined;
  /** For what goes one way: whether it is the way back. */
  readonly back: boolean;
}

/** What a plan is made from. */
export interface PlanOptions {
  readonly random: SeededRandom;
  readonly faults: number;
  /** The time over which they are spread, in milliseconds. */
  readonly withinMs: number;
  readonly services: readonly string[];
  readonly edges: readonly Edge[];
  /** Kinds that can be done here. */
  readonly kinds: readonly FaultKind[];
}

/** How long faults last that end, in milliseconds. */
const lasting: Partial<Record<FaultKind, readonly [number, number]>> = {
  'stop and resume': [200, 4_000],
  'cut both ways': [100, 2_000],
  'cut one way': [100, 2_000],
  'refused connections': [50, 800],
  // The longest wait for a message that they can happen to.
  'reset mid-message': [1_500, 1_500],
  'dropped reply': [1_500, 1_500],
  'slow edge': [300, 3_000],
};

/**
 * Draws the faults of a run, in the order of time: as many as were asked for, of each kind by its weight and at least one,
 * as far as there are enough. The same seed gives the same plan.
 */
export function planFaults(options: PlanOptions): readonly PlannedFault[] {
  const { random, withinMs, services, edges } = options;
  const dealt = shuffled(dealKinds(options.kinds, options.faults), random);
  const moments = dealt.map(() => random.between(0, withinMs)).sort((left, right) => left - right);
  return dealt.map((kind, index) => {
    const [least, most] = lasting[kind] ?? [0, 0];
    const onProcess = kind === 'kill -9' || kind === 'stop and resume' || kind === 'restart';
    const onServer = kind.startsWith('kill -9 of');
    return {
      kind,
      atMs: moments[index] ?? 0,
      lastsMs: random.between(least, most),
      service: onProcess ? random.pick(services) : '',
      edge: onProcess || onServer ? undefined : random.pick(edges),
      back: random.chance(0.5),
    };
  });
}

/** How many of each kind, by largest remainders, none of them without one. */
function dealKinds(kinds: readonly FaultKind[], count: number): FaultKind[] {
  const sum = kinds.reduce((total, kind) => total + weights[kind], 0);
  const shares = kinds.map((kind) => ({ kind, share: Math.max(1, (weights[kind] / sum) * count) }));
  const dealt = shares.flatMap(({ kind, share }) => Array<FaultKind>(Math.floor(share)).fill(kind));
  const byRemainder = [...shares].sort(
    (left, right) => (right.share % 1) - (left.share % 1) || right.share - left.share,
  );
  for (let index = 0; dealt.length < count && byRemainder.length > 0; index += 1)
    dealt.push((byRemainder[index % byRemainder.length] as (typeof byRemainder)[number]).kind);
  // More kinds than faults, or the ones that were lifted to 1 took more than their share: the frequent ones give way.
  while (dealt.length > count) {
    const counts = new Map(kinds.map((kind) => [kind, dealt.filter((one) => one === kind).length]));
    const most = [...counts].sort(([, left], [, right]) => right - left)[0]?.[0] as FaultKind;
    dealt.splice(dealt.indexOf(most), 1);
  }
  return dealt;
}

/** In an order drawn by chance (Fisher and Yates). */
function shuffled<T>(items: readonly T[], random: SeededRandom): T[] {
  const mixed = [...items];
  for (let at = mixed.length - 1; at > 0; at -= 1) {
    const other = random.below(at + 1);
    [mixed[at], mixed[other]] = [mixed[other] as T, mixed[at] as T];
  }
  return mixed;
}
