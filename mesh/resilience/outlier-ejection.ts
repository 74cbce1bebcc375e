import type { Clock } from '../runtime/ports.js';
import type { CalleeVerdict } from './failure-kind.js';
import { createSlidingWindow, type SlidingWindow } from './sliding-window.js';

/** When an endpoint is left out, and for how long. */
export interface EjectionSettings {
  /** Left out after so many failures in a row. Default 5. */
  readonly consecutiveFailures: number;
  /** Left out when at least this share of its calls fails, in percent ... Default 50. */
  readonly failurePercent: number;
  /** ... of at least so many within the window. Default 20. */
  readonly minCalls: number;
  /** How far back the share looks, in milliseconds. Default 5000. */
  readonly windowMs: number;
  /** How long the first time, in milliseconds; twice as long each time after that. Default 2000. */
  readonly baseEjectionMs: number;
  /** The longest time, in milliseconds; also, an endpoint that was well for so long starts afresh. Default 60000. */
  readonly maxEjectionMs: number;
  /** Never leaves out more than this share of the endpoints, in percent. Default 50. */
  readonly maxEjectedPercent: number;
  /** An endpoint that comes back gets one call in so many milliseconds until one succeeds. Default 500. */
  readonly trialEveryMs: number;
}

export const defaultEjectionSettings: EjectionSettings = {
  consecutiveFailures: 5,
  failurePercent: 50,
  minCalls: 20,
  windowMs: 5_000,
  baseEjectionMs: 2_000,
  maxEjectionMs: 60_000,
  maxEjectedPercent: 50,
  trialEveryMs: 500,
};

/** What has become of an endpoint. */
export interface EjectionChange {
  readonly endpoint: string;
  /** `ejected` for a time, `returned` on trial, `well` after a success. */
  readonly now: 'ejected' | 'returned' | 'well';
  /** For `ejected`: how long, in milliseconds. */
  readonly forMs?: number;
}

/** Leaves endpoints out that fail while the others are well. One for each channel. */
export interface OutlierEjection {
  /** The endpoints that there are; what is known of others is forgotten. */
  retain(endpoints: readonly string[]): void;
  /**
   * Picks an endpoint, taking turns.
   * @param endpoints those that can take calls; at least one.
   * @param turn where to begin looking.
   * @returns an index in `endpoints`.
   */
  choose(endpoints: readonly string[], turn: number): number;
  /** A call goes to an endpoint; the returned function tells how it ended. */
  begin(endpoint: string): (verdict: CalleeVerdict) => void;
  ejected(): readonly string[];
}

interface Endpoint {
  readonly calls: SlidingWindow;
  failuresInRow: number;
  phase: 'well' | 'ejected' | 'trial';
  /** End of the ejection; on trial, when the next call may go. */
  untilMs: number;
  /** How often it was left out, since it was last well for long. */
  times: number;
  /** Since when it is well. */
  wellSinceMs: number;
  /** Rises with each ejection: calls from before have no say after it. */
  epoch: number;
}

/**
 * Outlier ejection in the manner of Envoy's (consecutive failures and failure percentage, a growing time, an upper share)
 * with two differences: only failures of the callee count, since a healthy endpoint that answers NOT_FOUND is no outlier;
 * and an endpoint that comes back proves itself with single calls before it gets its full turn.
 *
 * An overloaded endpoint (RESOURCE_EXHAUSTED) stays: without it the others would have even more to do. Where more than
 * half of the endpoints that can take calls are left out, all are used: it is not their fault then (panic, as in Envoy).
 *
 * It has no timers: what is due is done when the next call asks.
 */
export function createOutlierEjection(
  clock: Pick<Clock, 'monotonicMs'>,
  settings: Partial<EjectionSettings> = {},
  onChange: (change: EjectionChange) => void = () => undefined,
): OutlierEjection {
  const limits = { ...defaultEjectionSettings, ...settings };
  const known = new Map<string, Endpoint>();

  const stateOf = (endpoint: string): Endpoint => {
    let state = known.get(endpoint);
    if (state === undefined) {
      state = {
        calls: createSlidingWindow({ windowMs: limits.windowMs, buckets: 10 }),
        failuresInRow: 0,
        phase: 'well',
        untilMs: 0,
        times: 0,
        wellSinceMs: clock.monotonicMs(),
        epoch: 0,
      };
      known.set(endpoint, state);
    }
    return state;
  };

  const isOut = ({ phase, untilMs }: Endpoint, nowMs: number) => phase === 'ejected' && nowMs < untilMs;
  const mayEject = (nowMs: number) => {
    const out = [...known.values()].filter((state) => isOut(state, nowMs)).length;
    return ((out + 1) / known.size) * 100 <= limits.maxEjectedPercent;
  };
  const eject = (endpoint: string, state: Endpoint, nowMs: number) => {
    if (!mayEject(nowMs)) return;
    if (state.phase === 'well' && nowMs - state.wellSinceMs >= limits.maxEjectionMs) state.times = 0;
    const forMs = Math.min(limits.baseEjectionMs * 2 ** state.times, limits.maxEjectionMs);
    state.times = Math.min(state.times + 1, 30);
    state.phase = 'ejected';
    state.untilMs = nowMs + forMs;
    state.epoch += 1;
    onChange({ endpoint, now: 'ejected', forMs });
  };

  const succeeded = (endpoint: string, state: Endpoint, nowMs: number) => {
    state.calls.add(nowMs, 1, 1);
    state.failuresInRow = 0;
    if (state.phase !== 'trial') return;
    state.phase = 'well';
    state.wellSinceMs = nowMs;
    state.calls.clear();
    onChange({ endpoint, now: 'well' });
  };
  const failed = (endpoint: string, state: Endpoint, nowMs: number) => {
    state.calls.add(nowMs, 1, 0);
    state.failuresInRow += 1;
    const { requests, accepts } = state.calls.totals(nowMs);
    const often =
      requests >= limits.minCalls && ((requests - accepts) / requests) * 100 >= limits.failurePercent;
    if (state.phase === 'trial' || often || state.failuresInRow >= limits.consecutiveFailures)
      eject(endpoint, state, nowMs);
  };

  /** Whether it may have a call now; ends an ejection whose time is up. */
  const takesCalls = (endpoint: string, nowMs: number) => {
    const state = stateOf(endpoint);
    if (state.phase === 'well') return true;
    if (nowMs < state.untilMs) return false;
    if (state.phase === 'ejected') {
      state.phase = 'trial';
      state.failuresInRow = 0;
      onChange({ endpoint, now: 'returned' });
    }
    return true;
  };

  return {
    retain: (endpoints) => {
      const wanted = new Set(endpoints);
      for (const endpoint of [...known.keys()]) if (!wanted.has(endpoint)) known.delete(endpoint);
      for (const endpoint of wanted) stateOf(endpoint);
    },
    choose: (endpoints, turn) => {
      const nowMs = clock.monotonicMs();
      const count = endpoints.length;
      const out = endpoints.filter((endpoint) => isOut(stateOf(endpoint), nowMs)).length;
      if (out * 2 > count) return turn % count;
      for (let step = 0; step < count; step += 1) {
        const index = (turn + step) % count;
        const endpoint = endpoints[index] ?? '';
        if (!takesCalls(endpoint, nowMs)) continue;
        const state = stateOf(endpoint);
        if (state.phase === 'trial') state.untilMs = nowMs + limits.trialEveryMs;
        return index;
      }
      return turn % count;
    },
    begin: (endpoint) => {
      const state = stateOf(endpoint);
      const { epoch } = state;
      return (verdict) => {
        const nowMs = clock.monotonicMs();
        if (verdict === 'unknown' || state.epoch !== epoch || state.phase === 'ejected') return;
        if (verdict === 'broken') failed(endpoint, state, nowMs);
        else succeeded(endpoint, state, nowMs);
      };
    },
    ejected: () => {
      const nowMs = clock.monotonicMs();
      return [...known].filter(([, state]) => isOut(state, nowMs)).map(([endpoint]) => endpoint);
    },
  };
}
