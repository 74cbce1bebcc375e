import type { Timers } from '../runtime/ports.js';
import { bounded } from './bounded.js';
import { oneAtATime } from './one-at-a-time.js';

/** Runs a piece of work when those before it have ended. */
export type BoundedTurns = <T>(work: (givenUp: AbortSignal) => Promise<T>) => Promise<T>;

/**
 * Makes the function that runs work one at a time, for callers who wait only so long. A turn lasts until its work has
 * really ended, also when nobody waits for it any more: then its signal tells it to. What nobody waits for when its turn
 * comes is not begun.
 * @param withinMs longest wait of a caller, for its turn and the work together; then it gets an Error.
 */
export function boundedTurns(timers: Timers, withinMs: number): BoundedTurns {
  const inTurn = oneAtATime();
  return async (work) => {
    const waiting = new AbortController();
    const turn = inTurn(async () => {
      waiting.signal.throwIfAborted();
      return work(waiting.signal);
    });
    try {
      return await bounded(timers, withinMs, turn);
    } finally {
      waiting.abort();
    }
  };
}
