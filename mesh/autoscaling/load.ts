import type { Clock } from '../runtime/ports.js';

/** What an instance has told of its load, at one moment. All but the first two have grown since it started. */
export interface LoadSample {
  /** Monotonic time of whoever read it, in milliseconds. */
  readonly atMs: number;
  readonly requestsInFlight: number;
  /** Requests in flight, summed over time. */
  readonly requestSeconds: number;
  /** How late timers were, summed over looks. */
  readonly lagSeconds: number;
  readonly looks: number;
}

/** How busy an instance has been lately. */
export interface Load {
  /** Mean over time. */
  readonly requestsInFlight: number;
  /** Mean of the event loop's lag, in milliseconds. */
  readonly eventLoopLagMs: number;
  /** Over how long, in milliseconds; 0 where it is but a moment. */
  readonly windowMs: number;
}

/**
 * The load between two samples of one instance. Without an earlier one, or when the instance began anew in between: the
 * requests of the moment, and the lag since its start.
 */
export function loadBetween(earlier: LoadSample | undefined, later: LoadSample): Load {
  const windowMs = earlier === undefined ? 0 : later.atMs - earlier.atMs;
  const begunAnew =
    earlier === undefined || later.requestSeconds < earlier.requestSeconds || later.looks < earlier.looks;
  if (begunAnew || windowMs <= 0)
    return {
      requestsInFlight: later.requestsInFlight,
      eventLoopLagMs: lagMsOf(later.lagSeconds, later.looks),
      windowMs: 0,
    };
  return {
    requestsInFlight: ((later.requestSeconds - earlier.requestSeconds) * 1_000) / windowMs,
    eventLoopLagMs: lagMsOf(later.lagSeconds - earlier.lagSeconds, later.looks - earlier.looks),
    windowMs,
  };
}

function lagMsOf(seconds: number, looks: number): number {
  return looks === 0 ? 0 : (seconds * 1_000) / looks;
}

/** Remembers samples, to tell the load of the last while. */
export interface LoadMemory {
  /** Takes a new sample of an instance and tells its load since the oldest that is not too old. */
  add(instance: string, sample: LoadSample): Load;
}

export interface LoadMemoryOptions {
  readonly clock: Pick<Clock, 'monotonicMs'>;
  /** How far a load looks back, in milliseconds. Default 30000: twice as long as Kubernetes waits between two questions. */
  readonly windowMs?: number;
}

/** Samples that are nearer to each other than this are one: their difference would be that of a moment. */
const leastApartMs = 1_000;

/** Makes a memory. Instances that nobody asks about any more are forgotten. */
export function createLoadMemory({ clock, windowMs = 30_000 }: LoadMemoryOptions): LoadMemory {
  const samples = new Map<string, LoadSample[]>();
  const forget = () => {
    const oldestMs = clock.monotonicMs() - windowMs;
    for (const [instance, all] of samples) {
      const young = all.filter(({ atMs }) => atMs >= oldestMs);
      if (young.length === 0) samples.delete(instance);
      else samples.set(instance, young);
    }
  };
  return {
    add: (instance, sample) => {
      forget();
      const known = samples.get(instance) ?? [];
      const [oldest] = known;
      const begunAnew = oldest !== undefined && sample.looks < oldest.looks;
      const kept = begunAnew ? [] : known;
      const last = kept.at(-1);
      if (last === undefined || sample.atMs - last.atMs >= leastApartMs) kept.push(sample);
      samples.set(instance, kept);
      const first = kept[0];
      return loadBetween(
        first !== undefined && sample.atMs - first.atMs >= leastApartMs ? first : undefined,
        sample,
      );
    },
  };
}
