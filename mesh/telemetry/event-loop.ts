import type { Clock, Timers } from '../runtime/ports.js';

/** How long timers had to wait beyond their time, in milliseconds. */
export interface EventLoopLag {
  readonly meanMs: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** Watches the event loop: when it lags, everything in this process does. */
export interface EventLoopSampler {
  /** The lag since the last time it was read; zeros when nothing was measured since. */
  read(): EventLoopLag;
  stop(): void;
}

export interface EventLoopOptions {
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly timers: Pick<Timers, 'after'>;
  /** How often it looks, in milliseconds. Default 20. A block that is shorter may fall between two looks. */
  readonly everyMs?: number;
}

/** Most measurements kept between two readings; the newest replace the oldest, but for the longest of all. */
const kept = 1_000;

/**
 * Looks at the event loop again and again, by a timer that compares when it was due with when it ran. The platform's own
 * histogram (`monitorEventLoopDelay`) forgets where it stood each time it is reset, and misses a block that follows a reading.
 * @param seen is told the lag of each look, in milliseconds.
 * @returns what ends it.
 */
export function watchEventLoop(options: EventLoopOptions, seen: (lagMs: number) => void): () => void {
  const { clock, timers, everyMs = 20 } = options;
  let dueMs = 0;
  let cancel = () => {};
  const wait = () => {
    dueMs = clock.monotonicMs() + everyMs;
    cancel = timers.after(everyMs, () => {
      seen(Math.max(0, clock.monotonicMs() - dueMs));
      wait();
    });
  };
  wait();
  return () => cancel();
}

/** Starts watching for one reader, who takes what was measured away. */
export function startEventLoopSampler(options: EventLoopOptions): EventLoopSampler {
  let lagsMs: number[] = [];
  let measured = 0;
  let maxMs = 0;
  const stop = watchEventLoop(options, (lagMs) => {
    lagsMs[measured % kept] = lagMs;
    measured += 1;
    maxMs = Math.max(maxMs, lagMs);
  });
  return {
    read: () => {
      const lag = { meanMs: meanOf(lagsMs), p99Ms: quantileOf(lagsMs, 0.99), maxMs };
      lagsMs = [];
      measured = 0;
      maxMs = 0;
      return lag;
    },
    stop,
  };
}

function meanOf(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The smallest value that at least this share of all values does not exceed; 0 without values. */
function quantileOf(values: readonly number[], share: number): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0;
}
