import type { Clock, Random } from '../runtime/ports.js';
import type { CalleeVerdict } from './failure-kind.js';
import { createSlidingWindow } from './sliding-window.js';

/** How a breaker judges. */
export interface BreakerSettings {
  /** How far back it looks, in milliseconds. Default 3000. */
  readonly windowMs: number;
  /** Requests that it lets through for each one that is accepted: K of the formula. Default 2. */
  readonly overcommit: number;
  /** So many requests are too few to judge by. Default 5. */
  readonly protection: number;
  /** Opens after so many failures in a row ... Default 3. */
  readonly openAfterFailures: number;
  /** ... that lie at least so far apart, first to last, in milliseconds. Default 400. */
  readonly openAfterMs: number;
  /** While it rejects, one call in so many milliseconds goes out to see. Default 500. */
  readonly probeEveryMs: number;
  /** Closes after so many successes without a failure among them. Default 3. */
  readonly closeAfterSuccesses: number;
  /** Throttles no longer after so long without a failure, in milliseconds. Default 1000. */
  readonly calmMs: number;
  /** What it knows is worthless when nothing was asked for so long, in milliseconds. Default 10000. */
  readonly forgetAfterMs: number;
}

export const defaultBreakerSettings: BreakerSettings = {
  windowMs: 3_000,
  overcommit: 2,
  protection: 5,
  openAfterFailures: 3,
  openAfterMs: 400,
  probeEveryMs: 500,
  closeAfterSuccesses: 3,
  calmMs: 1_000,
  forgetAfterMs: 10_000,
};

/** `closed`: nothing is rejected. `throttling`: some are, by chance. `open`: all are but the probes. */
export type BreakerWord = 'closed' | 'throttling' | 'open';

/** What a breaker thinks of its callee, for metrics. */
export interface BreakerState {
  readonly word: BreakerWord;
  /** Within the window, those that were rejected included. */
  readonly requests: number;
  /** Within the window. */
  readonly accepts: number;
  /** From 0 to 1. */
  readonly rejectionProbability: number;
}

/** Leave to make one call. */
export interface Permit {
  /** `probe`: it goes out although others are rejected, to see whether the callee is well again. */
  readonly kind: 'call' | 'probe';
  /** Tells how the call ended. Only the first time counts. */
  end(verdict: CalleeVerdict): void;
}

/** Keeps a caller from asking a callee that fails. One for each edge. */
export interface AdaptiveBreaker {
  /** Leave for one call, or undefined when it is rejected. */
  admit(): Permit | undefined;
  state(): BreakerState;
  /** Calls `listener` whenever the word changes; returns a function that ends this. */
  onChange(listener: (state: BreakerState) => void): () => void;
}

/**
 * The client-side throttle of Google's SRE book, chapter 21: a request is rejected with probability
 * `max(0, (requests - protection - K * accepts) / (requests + 1))` over a sliding window, where a rejected request counts
 * as a request. So a callee that can do a part of the work gets K times what it can do.
 *
 * The formula alone takes seconds to notice that a callee is gone, and longer to notice that it is back. Two rules are
 * added for that. Failures in a row without a success among them open it: then only probes go out, at a bounded rate, and
 * after a success the next one at once. Successes without a failure among them close it, and what was before is forgotten.
 *
 * What is known is bounded: a ring of buckets and some counters, however many calls there are.
 */
export function createAdaptiveBreaker(
  ports: { readonly clock: Pick<Clock, 'monotonicMs'>; readonly random: Pick<Random, 'next'> },
  settings: Partial<BreakerSettings> = {},
): AdaptiveBreaker {
  const limits = { ...defaultBreakerSettings, ...settings };
  const window = createSlidingWindow({ windowMs: limits.windowMs, buckets: 30 });
  const listeners = new Set<(state: BreakerState) => void>();
  const nowMs = () => ports.clock.monotonicMs();
  let open = false;
  let lastWord: BreakerWord = 'closed';
  /** Rises each time it opens or closes: failures of calls that were sent before say nothing about now. */
  let epoch = 0;
  let nextProbeMs = 0;
  let lastNewsMs = nowMs();
  let failuresInRow = 0;
  let rowBeganMs = 0;
  let lastFailureMs = Number.NEGATIVE_INFINITY;
  let successesInRow = 0;

  const probabilityAt = (now: number) => {
    const { requests, accepts } = window.totals(now);
    return Math.max(0, (requests - limits.protection - limits.overcommit * accepts) / (requests + 1));
  };
  const stateAt = (now: number): BreakerState => {
    const rejectionProbability = open ? 1 : probabilityAt(now);
    const word = open ? 'open' : rejectionProbability > 0 ? 'throttling' : 'closed';
    return { word, rejectionProbability, ...window.totals(now) };
  };
  const tell = (now: number) => {
    const state = stateAt(now);
    if (state.word === lastWord) return;
    lastWord = state.word;
    for (const listener of [...listeners]) listener(state);
  };

  const startOver = () => {
    open = false;
    epoch += 1;
    window.clear();
    failuresInRow = 0;
    lastFailureMs = Number.NEGATIVE_INFINITY;
  };
  const succeeded = (now: number) => {
    window.add(now, 1, 1);
    failuresInRow = 0;
    successesInRow += 1;
    // Good news are followed up at once.
    if (open) nextProbeMs = now;
    const calm = open || now - lastFailureMs >= limits.calmMs;
    const proven = successesInRow >= limits.closeAfterSuccesses && calm;
    if (proven && (open || probabilityAt(now) > 0)) startOver();
  };
  const failed = (now: number, sentIn: number) => {
    if (sentIn !== epoch) return;
    window.add(now, 1, 0);
    successesInRow = 0;
    if (failuresInRow === 0 || now - lastFailureMs > limits.windowMs) {
      failuresInRow = 0;
      rowBeganMs = now;
    }
    failuresInRow += 1;
    lastFailureMs = now;
    const lasting = failuresInRow >= limits.openAfterFailures && now - rowBeganMs >= limits.openAfterMs;
    if (open || !lasting) return;
    open = true;
    epoch += 1;
    nextProbeMs = now + limits.probeEveryMs;
  };

  const permit = (kind: Permit['kind'], now: number): Permit => {
    const sentIn = epoch;
    let ended = false;
    nextProbeMs = now + limits.probeEveryMs;
    lastNewsMs = now;
    return {
      kind,
      end: (verdict) => {
        if (ended) return;
        ended = true;
        if (verdict === 'unknown') return;
        const endedMs = nowMs();
        lastNewsMs = endedMs;
        if (verdict === 'well') succeeded(endedMs);
        else failed(endedMs, sentIn);
        tell(endedMs);
      },
    };
  };

  return {
    admit: () => {
      const now = nowMs();
      if (open && now - lastNewsMs > limits.forgetAfterMs) startOver();
      const probability = open ? 1 : probabilityAt(now);
      tell(now);
      if (probability === 0 || (!open && ports.random.next() >= probability)) return permit('call', now);
      if (now >= nextProbeMs) return permit('probe', now);
      window.add(now, 1, 0);
      return undefined;
    },
    state: () => stateAt(nowMs()),
    onChange: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
