import { MeshError } from '../contract/error.js';
import type { RedeliveryPolicy } from './bus.js';

/** Codes that say that the world is at fault, not the message: it is tried for ever. */
const transient = new Set(['UNAVAILABLE', 'DEADLINE_EXCEEDED', 'RESOURCE_EXHAUSTED', 'ABORTED', 'CANCELLED']);

/** What to do with a message whose handler failed. */
export type Redelivery =
  | { readonly kind: 'retry'; readonly delayMs: number }
  | { readonly kind: 'dead_letter' };

/**
 * @param attempt the attempt that failed, from 1.
 * @param random a number in [0, 1), for jitter: half of the delay is left to chance, so that retries don't march in step.
 */
export function decideRedelivery(
  failure: unknown,
  attempt: number,
  policy: RedeliveryPolicy,
  random: number,
): Redelivery {
  const isTransient = MeshError.is(failure) && transient.has(failure.code);
  if (!isTransient && attempt >= policy.maxAttempts) return { kind: 'dead_letter' };
  const ceilingMs = Math.min(
    policy.retryMaxDelayMs,
    policy.retryBaseDelayMs * 2 ** Math.min(attempt - 1, 30),
  );
  return { kind: 'retry', delayMs: ceilingMs * (0.5 + random / 2) };
}
