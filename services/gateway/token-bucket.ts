import type { BucketSize, BucketTake } from '../../mesh/store/buckets.js';

export type BucketLimit = BucketSize;

/** A bucket at a moment. */
export interface BucketState {
  readonly tokens: number;
  /** Moment of the last look, in milliseconds of a clock that does not go back. */
  readonly atMs: number;
}

/** What taking a token came to. */
export interface BucketAnswer extends BucketTake {
  readonly state: BucketState;
}

/**
 * Takes one token from a bucket that refills steadily (https://en.wikipedia.org/wiki/Token_bucket). Pure.
 * @param state undefined for a bucket that has not been looked at: it is full.
 */
export function takeToken(state: BucketState | undefined, limit: BucketLimit, nowMs: number): BucketAnswer {
  const before = state ?? { tokens: limit.burst, atMs: nowMs };
  const refilled = Math.min(
    limit.burst,
    before.tokens + (Math.max(0, nowMs - before.atMs) / 1_000) * limit.tokensPerSecond,
  );
  if (refilled >= 1) return { allowed: true, state: { tokens: refilled - 1, atMs: nowMs }, retryAfterMs: 0 };
  return {
    allowed: false,
    state: { tokens: refilled, atMs: nowMs },
    retryAfterMs: Math.ceil(((1 - refilled) / limit.tokensPerSecond) * 1_000),
  };
}
