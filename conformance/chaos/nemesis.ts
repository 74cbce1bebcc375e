import type { Ambient } from '../../mesh/runtime/ports.js';
import type { EdgeWeather } from '../fault-proxy/edge-weather.js';
import type { Edge } from '../fault-proxy/switchboard.js';
import { edgeText, serverEdges } from './edges.js';
import type { PlannedFault } from './faults.js';
import type { FaultRecord } from './history-file.js';

/** A process of the shop. */
export interface Victim {
  readonly service: string;
  readonly instance: string;
  readonly pid: number;
}

/** What a nemesis can lay hands on. */
export interface NemesisWorld extends Pick<Ambient, 'clock' | 'timers'> {
  /** The processes that run now. */
  instances(): Promise<readonly Victim[]>;
  /** The process of a server beside the shop: `redis`, `consul`, `postgres`. */
  serverPid(name: string): number | undefined;
  weather(edge: Edge): EdgeWeather;
  /** Does nothing to a process that is gone. */
  signal(pid: number, signal: NodeJS.Signals): void;
}

/** A fault that is over, before anybody asked how traffic is. */
export type Struck = Omit<FaultRecord, 'backAtMs'>;

/** Does harm. */
export interface Nemesis {
  /** Carries out one fault; resolves when it is healed, by its own time or because all is. */
  strike(fault: PlannedFault): Promise<Struck>;
  /** Ends everything that lasts. */
  heal(): void;
}

const everyMs = 20;

/** Makes the nemesis of a mesh of processes. */
export function createNemesis(world: NemesisWorld): Nemesis {
  const { clock, timers } = world;
  const healing = new AbortController();
  /** Edges and processes that a fault lasts on: one at a time, or healing the first would heal the second. */
  const busy = new Set<string>();
  const lasts = (ms: number) => timers.sleep(ms, healing.signal).catch(() => undefined);

  const during = async (name: string, begin: () => void, ms: number, end: () => void) => {
    busy.add(name);
    begin();
    await lasts(ms);
    end();
    busy.delete(name);
  };

  /** An instance of the service that nothing else lasts on, or any of all. */
  const victim = async (service: string): Promise<Victim | undefined> => {
    const all = (await world.instances()).filter(({ pid, instance }) => pid > 0 && !busy.has(instance));
    return all.find((one) => one.service === service) ?? all[0];
  };

  const onProcess = async (fault: PlannedFault) => {
    const found = await victim(fault.service);
    const startedMs = clock.monotonicMs();
    if (found === undefined)
      return { startedMs, target: 'nobody', touches: [], probed: 'order', tookEffect: false };
    const { pid, instance, service } = found;
    if (fault.kind === 'stop and resume') {
      const stop = () => world.signal(pid, 'SIGSTOP');
      await during(instance, stop, fault.lastsMs, () => world.signal(pid, 'SIGCONT'));
    } else world.signal(pid, fault.kind === 'restart' ? 'SIGTERM' : 'SIGKILL');
    return { startedMs, target: instance, touches: [service], probed: service, tookEffect: true };
  };

  const onEdge = async (fault: PlannedFault, wanted: Edge) => {
    const startedMs = clock.monotonicMs();
    const target = edgeText(wanted);
    const told = { startedMs, target, touches: touchedBy(wanted), probed: probedFor(wanted) };
    if (busy.has(target)) return { ...told, tookEffect: false };
    const weather = world.weather(wanted);
    const before = weather.mishaps();
    switch (fault.kind) {
      case 'cut both ways':
        await during(target, () => weather.cut('up', 'down'), fault.lastsMs, weather.heal);
        break;
      case 'cut one way':
        await during(target, () => weather.cut(fault.back ? 'down' : 'up'), fault.lastsMs, weather.heal);
        break;
      case 'refused connections':
        await during(target, weather.refuse, fault.lastsMs, weather.heal);
        break;
      case 'slow edge':
        await during(target, () => weather.slow(20 + fault.lastsMs / 4, 50), fault.lastsMs, weather.heal);
        break;
      default: {
        busy.add(target);
        weather.plan(fault.kind === 'dropped reply' ? 'drop the reply' : 'reset mid-message');
        const untilMs = startedMs + fault.lastsMs;
        while (weather.mishaps() === before && clock.monotonicMs() < untilMs && !healing.signal.aborted)
          await lasts(everyMs);
        weather.heal();
        busy.delete(target);
        return { ...told, tookEffect: weather.mishaps() > before };
      }
    }
    return { ...told, tookEffect: true };
  };

  const onServer = (edge: Edge) => {
    const startedMs = clock.monotonicMs();
    const pid = world.serverPid(edge.callee);
    if (pid !== undefined) world.signal(pid, 'SIGKILL');
    return {
      startedMs,
      target: edge.callee,
      touches: touchedBy(edge),
      probed: probedFor(edge),
      tookEffect: pid !== undefined,
    };
  };

  const carryOut = async (fault: PlannedFault) => {
    switch (fault.kind) {
      case 'kill -9 of all': {
        const startedMs = clock.monotonicMs();
        for (const { pid } of await world.instances()) if (pid > 0) world.signal(pid, 'SIGKILL');
        return { startedMs, target: 'all', touches: ['*'], probed: 'order', tookEffect: true };
      }
      case 'kill -9 of Redis':
        return onServer(serverEdges.redis);
      case 'kill -9 of PostgreSQL':
        return onServer(serverEdges.postgres);
      case 'kill -9 of Consul':
        return onServer(serverEdges.consul);
      case 'kill -9 of RabbitMQ':
        return onServer(serverEdges.rabbitmq);
      case 'kill -9 of Kafka':
        return onServer(serverEdges.kafka);
      default:
        return fault.edge === undefined ? onProcess(fault) : onEdge(fault, fault.edge);
    }
  };
  return {
    strike: async (fault) => {
      const told = await carryOut(fault);
      return { fault: fault.kind, healedMs: clock.monotonicMs(), ...told };
    },
    heal: () => healing.abort(),
  };
}

/** Whose traffic an edge carries. */
function touchedBy({ callee }: Edge): readonly string[] {
  switch (callee) {
    case 'redis':
    case 'postgres':
    case 'consul':
      return ['*'];
    case 'rabbitmq':
    case 'kafka':
    case 'card processor':
      return ['payment', 'order'];
    case 'mail':
      return ['notification'];
    default:
      return [callee];
  }
}

/** The service that is asked whether traffic is back. */
function probedFor({ callee }: Edge): string {
  const stand: Readonly<Record<string, string>> = {
    redis: 'cart',
    postgres: 'order',
    consul: 'catalog',
    'card processor': 'payment',
    mail: 'notification',
    rabbitmq: 'notification',
    kafka: 'notification',
  };
  return stand[callee] ?? callee;
}
