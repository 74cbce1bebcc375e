import { MeshError } from '../contract/error.js';
import type { RedeliveryPolicy } from './bus.js';

/** Codes that say that the world is at fault, not the message: it is tried for ever. */
const transient = new Set(['UNAVAILABLE', 'DEADLINE_EXCEEDED', 'RESOURCE_EXHAUSTED', 'ABORTED', 'CANCELLED']);

/** What became of a message so far. */
export interface Tried {
  /** Attempts that failed. */
  readonly attempts: number;
  /** Those of them that the message is to blame for. */
  readonly faults: number;
}

export const untried: Tried = Object.freeze({ attempts: 0, faults: 0 });

/** What to do with a message whose handler failed. */
export type Redelivery =
  | { readonly kind: 'retry'; readonly tried: Tried; readonly delayMs: number }
  | { readonly kind: 'dead_letter'; readonly tried: Tried };

/**
 * An outage, however long, brings a message no nearer to its end: what follows it may well be one failure of another kind.
 * @param before what became of the message before this failure.
 * @param policy its delays are in milliseconds, and so is the one that is given.
 * @param random a number in [0, 1), for jitter: half of the delay is left to chance, so that retries don't march in step.
 */
export function decideRedelivery(
  failure: unknown,
  before: Tried,
  policy: RedeliveryPolicy,
  random: number,
): Redelivery {
  const isTransient = MeshError.is(failure) && transient.has(failure.code);
  const tried = { attempts: before.attempts + 1, faults: before.faults + (isTransient ? 0 : 1) };
  if (!isTransient && tried.faults >= policy.maxAttempts) return { kind: 'dead_letter', tried };
  const doublings = Math.min(before.attempts, 30);
  const ceilingMs = Math.min(policy.retryMaxDelayMs, policy.retryBaseDelayMs * 2 ** doublings);
  return { kind: 'retry', tried, delayMs: ceilingMs * (0.5 + random / 2) };
}
