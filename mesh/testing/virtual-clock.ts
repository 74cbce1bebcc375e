import type { Ambient } from '../runtime/ports.js';
import { seededRandom } from './seeded-random.js';

/** How a virtual clock begins. */
export interface VirtualClockOptions {
  /** Wall time at the start, in milliseconds since the epoch. Default 2026-01-01T00:00:00Z. */
  readonly startMs?: number;
  /** Seed of the randomness. Default 1. */
  readonly seed?: number;
}

/** Time that stands still until a test moves it, with the timers that hang on it and seeded randomness. */
export interface VirtualClock extends Ambient {
  /**
   * Moves time on by `ms`, stopping at each timer that falls due: it is run at its own moment, then promises get to
   * run, so that timers which they start in turn are met as well. Timers of the same moment run in the order of
   * their making.
   * @throws what a timer's task throws, with time standing at that moment.
   */
  advance(ms: number): Promise<void>;
  /** Moves on to the next timer, if there is one; returns how far that was, in milliseconds. */
  advanceToNextTimer(): Promise<number | undefined>;
  /** Lets everything run that waits for no timer. */
  settle(): Promise<void>;
  /** Something works in real time: nothing is settled while it does, though it waits for no timer here. */
  settlesWith(isBusy: () => boolean): void;
  /** Sets the wall time, as an administrator does: monotonic time and timers don't notice. */
  setWallTime(nowMs: number): void;
  /** Timers and sleeps that have not fallen due. 0 at the end of a test means that nothing was left behind. */
  pendingTimers(): number;
}

interface Timer {
  readonly dueMs: number;
  readonly sequence: number;
  readonly task: () => void;
}

/** Makes a {@link VirtualClock}. Its monotonic time begins at 0. */
export function virtualClock(options: VirtualClockOptions = {}): VirtualClock {
  const { startMs = Date.UTC(2026, 0, 1), seed = 1 } = options;
  const timers = new Set<Timer>();
  let elapsedMs = 0;
  let wallOffsetMs = startMs;
  let sequence = 0;
  const busy: (() => boolean)[] = [];

  const settle = async () => {
    do await turn();
    while (busy.some((isBusy) => isBusy()));
  };
  const after = (delayMs: number, task: () => void) => {
    const timer = { dueMs: elapsedMs + Math.max(0, delayMs), sequence, task };
    sequence += 1;
    timers.add(timer);
    return () => {
      timers.delete(timer);
    };
  };

  const runUntil = async (targetMs: number) => {
    await settle();
    for (
      let timer = firstOf(timers);
      timer !== undefined && timer.dueMs <= targetMs;
      timer = firstOf(timers)
    ) {
      timers.delete(timer);
      elapsedMs = timer.dueMs;
      timer.task();
      await settle();
    }
    elapsedMs = targetMs;
  };

  return {
    clock: { nowMs: () => Math.floor(wallOffsetMs + elapsedMs), monotonicMs: () => elapsedMs },
    random: seededRandom(seed),
    timers: { after, sleep: (delayMs, signal) => sleep(after, delayMs, signal) },
    advance: (ms) => {
      if (!(ms >= 0)) throw new RangeError(`advance(${ms}): time only goes forward; see setWallTime`);
      return runUntil(elapsedMs + ms);
    },
    advanceToNextTimer: async () => {
      await settle();
      const next = firstOf(timers);
      if (next === undefined) return undefined;
      const distanceMs = next.dueMs - elapsedMs;
      await runUntil(next.dueMs);
      return distanceMs;
    },
    settle,
    settlesWith: (isBusy) => {
      busy.push(isBusy);
    },
    setWallTime: (nowMs) => {
      wallOffsetMs = nowMs - elapsedMs;
    },
    pendingTimers: () => timers.size,
  };
}

function firstOf(timers: Iterable<Timer>): Timer | undefined {
  let first: Timer | undefined;
  for (const timer of timers) {
    if (
      first === undefined ||
      timer.dueMs < first.dueMs ||
      (timer.dueMs === first.dueMs && timer.sequence < first.sequence)
    ) {
      first = timer;
    }
  }
  return first;
}

function sleep(
  after: (delayMs: number, task: () => void) => () => void,
  delayMs: number,
  signal?: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    const onAbort = () => {
      cancel();
      reject(signal?.reason);
    };
    const cancel = after(delayMs, () => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    });
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

/** A turn of the event loop: all promises that can go on have gone on by then. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
