import { MeshError } from '../contract/error.js';
import type { MethodPolicy } from '../contract/policy.js';
import type { Ambient } from '../runtime/ports.js';

/**
 * The moment after which a nested call is worthless: never later than its parent's.
 * @param ownMs what the call allows itself from now, in milliseconds.
 */
export function childDeadline(nowMs: number, parentDeadlineMs: number, ownMs: number): number {
  return Math.min(parentDeadlineMs, nowMs + ownMs);
}

/** The longest that a stream may last when its caller asks for more than the contract's deadline: an hour. */
const longestStreamMs = 3_600_000;

/**
 * The moment until which a server works on a call. A unary call gets at most the contract's deadline, whatever its caller
 * would wait: nobody can make a server hold on to work for longer than its contract says. A stream may be asked to last
 * longer than the contract's deadline, up to an hour; without a word from the caller it gets the contract's.
 * @param sentDeadlineMs what the caller sent; Infinity for nothing.
 */
export function servedDeadline(
  nowMs: number,
  sentDeadlineMs: number,
  method: Pick<MethodPolicy, 'kind' | 'deadlineMs'>,
): number {
  const asked = Number.isFinite(sentDeadlineMs);
  const mostMs = asked && method.kind !== 'unary' ? longestStreamMs : method.deadlineMs;
  return asked ? Math.min(sentDeadlineMs, nowMs + mostMs) : nowMs + mostMs;
}

/** A signal that ends with its parent or with the deadline, whichever comes first. */
export interface DeadlineSignal {
  readonly signal: AbortSignal;
  /** Ends the call early, with a reason. */
  abort(reason: MeshError): void;
  /** Removes timer and listener. A long-lived parent must not collect one for each call. */
  dispose(): void;
}

/**
 * @param what names the call in the message of the error.
 */
export function deadlineSignal(
  ambient: Ambient,
  parent: AbortSignal,
  deadlineMs: number,
  what: string,
): DeadlineSignal {
  const controller = new AbortController();
  const onParentAbort = () => controller.abort(MeshError.is(parent.reason) ? parent.reason : cancelled(what));
  const leftMs = deadlineMs - ambient.clock.nowMs();
  const cancelTimer =
    leftMs > 0
      ? ambient.timers.after(Math.min(leftMs, 2 ** 31 - 1), () => controller.abort(deadlineExceeded(what)))
      : () => undefined;
  if (parent.aborted) onParentAbort();
  else if (leftMs <= 0) controller.abort(deadlineExceeded(what));
  else parent.addEventListener('abort', onParentAbort, { once: true });
  return {
    signal: controller.signal,
    abort: (reason) => controller.abort(reason),
    dispose: () => {
      cancelTimer();
      parent.removeEventListener('abort', onParentAbort);
    },
  };
}

/** Rejects with the signal's reason as soon as it is aborted, for work that does not look at the signal itself. */
export function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    // Work that fails after the abort is heard here, and changes nothing: unheard, it would end the process.
    work.then(
      (result) => {
        signal.removeEventListener('abort', onAbort);
        resolve(result);
      },
      (error: unknown) => {
        signal.removeEventListener('abort', onAbort);
        reject(error);
      },
    );
  });
}

export function deadlineExceeded(what: string): MeshError {
  return new MeshError({
    code: 'DEADLINE_EXCEEDED',
    reason: 'DEADLINE_EXCEEDED',
    message: `${what} did not answer in time: what was asked for may have happened, so repeat it with the same key`,
  });
}

export function cancelled(what: string): MeshError {
  return new MeshError({ code: 'CANCELLED', reason: 'CANCELLED', message: `the caller of ${what} gave up` });
}
