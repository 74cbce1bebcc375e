import { hash } from 'node:crypto';
import { MeshError } from '../contract/error.js';
import type { User } from '../rpc/context.js';
import type { Clock } from '../runtime/ports.js';
import { type Jwk, keyIdOf, type VerifiedToken, verifyToken } from './token.js';

/** Tells who a token belongs to. */
export interface TokenVerifier {
  /**
   * @throws MeshError UNAUTHENTICATED (TOKEN_INVALID, TOKEN_EXPIRED), or what fetching the keys throws when there are none.
   */
  verify(token: string): Promise<User>;
}

export interface TokenVerifierOptions {
  /** Asks the users service for its keys. */
  fetchKeys(): Promise<readonly Jwk[]>;
  readonly clock: Clock;
  /** Most verified tokens to remember; the oldest goes first. Default 10000. */
  readonly cacheSize?: number;
  /** Shortest time between two fetches for a key that is not known, in milliseconds. Default 5000. */
  readonly refetchAfterMs?: number;
}

/**
 * A verifier that keeps the key set and the tokens it has found good. An unknown key makes it ask for the set again, but
 * not more often than allowed, so that made-up tokens can't make it ask all the time. When the keys can't be had, the
 * last good set stays.
 */
export function createTokenVerifier(options: TokenVerifierOptions): TokenVerifier {
  const { clock, cacheSize = 10_000, refetchAfterMs = 5_000 } = options;
  const verified = new Map<string, VerifiedToken>();
  let keys: readonly Jwk[] = [];
  let fetchedAtMs = Number.NEGATIVE_INFINITY;
  let fetching: Promise<void> | undefined;

  const fetchOnce = () => {
    if (fetching !== undefined) return fetching;
    // A fetch that fails counts too: made-up keys must not make more work while the keys can't be had.
    fetchedAtMs = clock.monotonicMs();
    fetching = options
      .fetchKeys()
      .then((fetched) => {
        keys = fetched;
      })
      .finally(() => {
        fetching = undefined;
      });
    return fetching;
  };

  return {
    verify: async (token) => {
      // The cache holds a digest: a dump of memory must not hand out tokens.
      const digest = hash('sha256', token, 'base64');
      const known = verified.get(digest);
      if (known !== undefined) {
        if (known.expiresAtMs > clock.nowMs()) return known.user;
        verified.delete(digest);
        throw new MeshError({
          code: 'UNAUTHENTICATED',
          reason: 'TOKEN_EXPIRED',
          message: 'the token has expired: log in again',
        });
      }
      const kid = keyIdOf(token);
      if (kid !== undefined && !keys.some((key) => key.kid === kid)) {
        if (keys.length === 0) await fetchOnce();
        else if (clock.monotonicMs() - fetchedAtMs >= refetchAfterMs)
          await fetchOnce().catch(() => undefined);
      }
      const result = verifyToken(token, keys, clock.nowMs());
      const oldest = verified.size >= cacheSize ? verified.keys().next().value : undefined;
      if (oldest !== undefined) verified.delete(oldest);
      verified.set(digest, result);
      return result.user;
    },
  };
}
