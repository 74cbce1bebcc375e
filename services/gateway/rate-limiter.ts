import { MeshError } from '../../mesh/contract/error.js';
import type { Clock } from '../../mesh/runtime/ports.js';
import { type BucketLimit, type BucketState, takeToken } from './token-bucket.js';

/** Limits requests by name, such as `client 127.0.0.1`. */
export interface RateLimiter {
  /** @throws MeshError RESOURCE_EXHAUSTED (RATE_LIMITED) with `retryAfterMs` when the bucket of this name is empty. */
  take(name: string, limit: BucketLimit): Promise<void>;
}

/**
 * Buckets in memory, the longest unused forgotten first. A restart forgets them all: they refill in seconds anyway.
 * @param maxBuckets Default 50000.
 */
export function memoryRateLimiter(clock: Clock, maxBuckets = 50_000): RateLimiter {
  const buckets = new Map<string, BucketState>();
  return {
    take: async (name, limit) => {
      const answer = takeToken(buckets.get(name), limit, clock.monotonicMs());
      // Deleting first moves the name to the end, so that the map is in order of last use.
      buckets.delete(name);
      buckets.set(name, answer.state);
      const oldest = buckets.size > maxBuckets ? buckets.keys().next().value : undefined;
      if (oldest !== undefined) buckets.delete(oldest);
      if (!answer.allowed) throw rateLimited(answer.retryAfterMs);
    },
  };
}

/** What a caller gets whose bucket is empty. */
export function rateLimited(retryAfterMs: number): MeshError {
  return new MeshError({
    code: 'RESOURCE_EXHAUSTED',
    reason: 'RATE_LIMITED',
    message: `too many requests: wait ${retryAfterMs} ms`,
    metadata: { retryAfterMs: String(retryAfterMs) },
  });
}
