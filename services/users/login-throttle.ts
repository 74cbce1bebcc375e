import type { Clock } from '../../mesh/runtime/ports.js';

/** Counts wrong passwords by account, so that guessing stops long before it succeeds. */
export interface LoginThrottle {
  /** Milliseconds until this account may be tried again; 0 means now. */
  waitMs(email: string): number;
  failed(email: string): void;
  succeeded(email: string): void;
}

export interface LoginThrottleOptions {
  /** Wrong tries before the account is closed for the rest of the window. Default 10. */
  readonly maxFailures?: number;
  /** Length of the window that begins with the first wrong try, in milliseconds. Default 10 minutes. */
  readonly windowMs?: number;
  /** Most accounts to remember; the oldest is forgotten first. Default 10000. */
  readonly maxAccounts?: number;
}

/** Lives in memory: a restart forgives, which costs a guesser more than it gains. */
export function createLoginThrottle(clock: Clock, options: LoginThrottleOptions = {}): LoginThrottle {
  const { maxFailures = 10, windowMs = 600_000, maxAccounts = 10_000 } = options;
  const failures = new Map<string, { count: number; readonly sinceMs: number }>();
  const current = (email: string) => {
    const found = failures.get(email);
    if (found !== undefined && clock.monotonicMs() - found.sinceMs < windowMs) return found;
    failures.delete(email);
    return undefined;
  };
  return {
    waitMs: (email) => {
      const found = current(email);
      return found === undefined || found.count < maxFailures
        ? 0
        : Math.ceil(found.sinceMs + windowMs - clock.monotonicMs());
    },
    failed: (email) => {
      const found = current(email);
      if (found !== undefined) {
        found.count += 1;
        return;
      }
      const oldest = failures.size >= maxAccounts ? failures.keys().next().value : undefined;
      if (oldest !== undefined) failures.delete(oldest);
      failures.set(email, { count: 1, sinceMs: clock.monotonicMs() });
    },
    succeeded: (email) => {
      failures.delete(email);
    },
  };
}
