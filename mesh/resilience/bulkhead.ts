import { MeshError } from '../contract/error.js';
import type { Timers } from '../runtime/ports.js';

/** How much of a caller one callee may take up. */
export interface BulkheadSettings {
  /** Calls in flight at once. Default 20. */
  readonly limit: number;
  /** Calls that may wait for a place. Default 20. */
  readonly queue: number;
  /** How long one may wait, in milliseconds. Default 50. */
  readonly maxWaitMs: number;
}

export const defaultBulkheadSettings: BulkheadSettings = { limit: 20, queue: 20, maxWaitMs: 50 };

/** A limit of calls in flight, with a short queue before it. */
export interface Bulkhead {
  /**
   * Takes a place, waiting for one in order of arrival.
   * @returns gives the place back; calls after the first do nothing.
   * @throws MeshError RESOURCE_EXHAUSTED (OVERLOADED) when the queue is full or the wait too long; the signal's reason when
   *   it is aborted first.
   */
  enter(signal: AbortSignal): Promise<() => void>;
  inFlight(): number;
  waiting(): number;
}

/**
 * Keeps a slow callee from taking up its caller: what does not fit is refused at once instead of piling up.
 * @param callee its name, for messages.
 */
export function createBulkhead(
  callee: string,
  timers: Pick<Timers, 'after'>,
  settings: Partial<BulkheadSettings> = {},
): Bulkhead {
  const { limit, queue, maxWaitMs } = { ...defaultBulkheadSettings, ...settings };
  if (!(limit >= 1) || !(queue >= 0)) {
    throw new RangeError(`a bulkhead of ${limit} calls and a queue of ${queue}: use at least 1 and 0`);
  }
  /** A Set keeps the order of arrival, and lets those who leave go from the middle. */
  const line = new Set<() => void>();
  let inFlight = 0;

  const place = () => {
    let given = false;
    return () => {
      if (given) return;
      given = true;
      const [first] = line;
      // The place is handed over: it is never free in between, so nobody gets past the line.
      if (first === undefined) inFlight -= 1;
      else first();
    };
  };

  const wait = (signal: AbortSignal) =>
    new Promise<() => void>((resolve, reject) => {
      const leave = () => {
        line.delete(enter);
        cancelTimer();
        signal.removeEventListener('abort', onAbort);
      };
      const enter = () => {
        leave();
        resolve(place());
      };
      const onAbort = () => {
        leave();
        reject(signal.reason);
      };
      const cancelTimer = timers.after(maxWaitMs, () => {
        leave();
        reject(full(callee));
      });
      line.add(enter);
      signal.addEventListener('abort', onAbort, { once: true });
    });

  return {
    enter: async (signal) => {
      signal.throwIfAborted();
      if (inFlight < limit) {
        inFlight += 1;
        return place();
      }
      if (line.size >= queue) throw full(callee);
      return wait(signal);
    },
    inFlight: () => inFlight,
    waiting: () => line.size,
  };
}

function full(callee: string): MeshError {
  return new MeshError({
    code: 'RESOURCE_EXHAUSTED',
    reason: 'OVERLOADED',
    message: `too many calls to ${callee} are under way, so this one was not sent: try again in a moment`,
    metadata: { callee },
  });
}
