import type { Clock, Log } from '../../mesh/runtime/ports.js';
import type { Buckets } from '../../mesh/store/buckets.js';
import { type RateLimiter, rateLimited } from './rate-limiter.js';

/** What a limiter over shared buckets works with. */
export interface SharedRateLimiterOptions {
  /** Fails soon when the shared place is away or slow. */
  readonly buckets: Buckets;
  /** Limits meanwhile: each gateway counts for itself. */
  readonly fallback: RateLimiter;
  readonly clock: Clock;
  readonly log: Log;
  /** How long the shared place is left alone after it failed, in milliseconds. Default 1000. */
  readonly retryAfterMs?: number;
}

/**
 * Limits together with the other gateways. A limit must never take the shop down: while the shared buckets are away,
 * requests are limited by this gateway alone, and only one request a second waits to find out whether they are back.
 */
export function sharedRateLimiter(options: SharedRateLimiterOptions): RateLimiter {
  const { buckets, fallback, clock, log, retryAfterMs = 1_000 } = options;
  let askAgainMs = Number.NEGATIVE_INFINITY;
  let away = false;
  return {
    take: async (name, limit) => {
      if (clock.monotonicMs() < askAgainMs) return fallback.take(name, limit);
      // Whoever asks while the answer is open goes by the fallback, if the last one failed.
      if (away) askAgainMs = clock.monotonicMs() + retryAfterMs;
      let taken: Awaited<ReturnType<Buckets['take']>>;
      try {
        taken = await buckets.take(name, limit);
      } catch (error) {
        askAgainMs = clock.monotonicMs() + retryAfterMs;
        if (!away)
          log.warn({ error: String(error) }, 'rate limits are not shared now: each gateway counts alone');
        away = true;
        return fallback.take(name, limit);
      }
      if (away) log.info({}, 'rate limits are shared again');
      away = false;
      askAgainMs = Number.NEGATIVE_INFINITY;
      if (!taken.allowed) throw rateLimited(taken.retryAfterMs);
    },
  };
}
