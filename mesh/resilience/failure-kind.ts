import { type Code, MeshError } from '../contract/error.js';

/** What an ended call says about the one that was called. */
export type CalleeVerdict =
  /** It answered: with what was wanted, or with an error that is about the request (NOT_FOUND, PERMISSION_DENIED ...). */
  | 'well'
  /** It is alive and has too much to do. */
  | 'overloaded'
  /** It is broken, gone or silent. */
  | 'broken'
  /** Nothing is known: the caller gave up, or the call never got there. */
  | 'unknown';

/**
 * A callee that was given less than this, in milliseconds, is not blamed for its silence: its caller came with nearly
 * all of its own time spent.
 */
export const fairWaitMs = 50;

/**
 * What an error says about the callee. The one place that knows which codes are failures: breaker, outlier ejection and
 * fallback all ask here (the idea is that of go-zero's zrpc/internal/codes/accept.go).
 *
 * UNIMPLEMENTED is not among them: an older instance that lacks one method does all the others well.
 * @param waitedMs how long the callee had, in milliseconds; default: long enough.
 */
export function verdictOf(error: MeshError, waitedMs = Number.POSITIVE_INFINITY): CalleeVerdict {
  switch (error.reason) {
    // Said by a breaker, ours or that of the callee: who said so is well, and the one behind it was not asked.
    case 'CIRCUIT_OPEN':
      return 'unknown';
    // These are about the caller.
    case 'RATE_LIMITED':
    case 'BODY_TOO_LARGE':
      return 'well';
    default:
      return verdictOfCode(error.code, waitedMs);
  }
}

function verdictOfCode(code: Code, waitedMs: number): CalleeVerdict {
  switch (code) {
    case 'UNAVAILABLE':
    case 'INTERNAL':
    case 'UNKNOWN':
    case 'DATA_LOSS':
      return 'broken';
    case 'DEADLINE_EXCEEDED':
      return waitedMs >= fairWaitMs ? 'broken' : 'unknown';
    case 'RESOURCE_EXHAUSTED':
      return 'overloaded';
    case 'CANCELLED':
      return 'unknown';
    case 'INVALID_ARGUMENT':
    case 'NOT_FOUND':
    case 'ALREADY_EXISTS':
    case 'PERMISSION_DENIED':
    case 'FAILED_PRECONDITION':
    case 'ABORTED':
    case 'OUT_OF_RANGE':
    case 'UNIMPLEMENTED':
    case 'UNAUTHENTICATED':
      return 'well';
    default:
      return code satisfies never;
  }
}

/**
 * Whether a call was ended by its caller for a reason of the caller's own, which says nothing about the callee. A
 * deadline that passed is no such reason: then the callee was too slow.
 */
export function endedByCaller(signal: AbortSignal): boolean {
  if (!signal.aborted) return false;
  return !(MeshError.is(signal.reason) && signal.reason.code === 'DEADLINE_EXCEEDED');
}
