import type { Contract } from '../contract/image.js';
import type { Wire } from '../rpc/wire.js';
import type { Manifest } from '../runtime/manifest.js';
import type { Ambient, Log } from '../runtime/ports.js';
import { type BreakerSettings, type BreakerState, createAdaptiveBreaker } from './adaptive-breaker.js';
import { breakerWire } from './breaker-wire.js';
import { budgetWire } from './budget-wire.js';
import { type BulkheadSettings, createBulkhead } from './bulkhead.js';
import { bulkheadWire } from './bulkhead-wire.js';
import { checkedWire } from './checked-wire.js';
import { fallbackWire } from './fallback-wire.js';

/** What an edge from one service to another is protected with. */
export interface ProtectOptions {
  /** Folder name of the called service. */
  readonly callee: string;
  /** As the callee's manifest has it: an optional one gets budget, bulkhead and fallback beside the breaker. */
  readonly criticality: Manifest['criticality'];
  readonly contract: Contract;
  readonly ambient: Ambient;
  /** Hears of a breaker that opens or closes. */
  readonly log: Log;
  readonly breaker?: Partial<BreakerSettings>;
  readonly bulkhead?: Partial<BulkheadSettings>;
  /** Longest wait for an optional callee, in milliseconds. Default 150. */
  readonly budgetMs?: number;
  /** Told of each change of the breaker, for metrics. */
  onBreaker?(state: BreakerState): void;
  /** Told of each call that the breaker rejects, for metrics. */
  onReject?(): void;
  /** Told of each answer that was made up in place of an optional callee's, for metrics. */
  onFallback?(method: string): void;
}

/** A wire, and what its breaker thinks of the callee. */
export interface ProtectedWire extends Wire {
  breaker(): BreakerState;
}

/** What is kept of a caller's time when it waits for an optional callee, in milliseconds. */
const reserveMs = 10;

/**
 * Puts around a hop what keeps its callee's failures from spreading, outermost first:
 *
 * ```text
 * required                                              breaker > hop
 * optional   fallback > budget > bulkhead > breaker > check > hop
 * ```
 *
 * These are the places `fallback`, `bulkhead` and `deadline` of a client's interceptors, done as wires, because the calls
 * that the edge passes through have no interceptors. The budget covers the wait in the bulkhead. The breaker stands next
 * to the hop, so that a rejection by bulkhead or budget never counts against the callee.
 */
export function protectWire(wire: Wire, options: ProtectOptions): ProtectedWire {
  const { callee, criticality, contract, ambient, log, budgetMs = 150 } = options;
  const optional = criticality === 'optional';
  const breaker = createAdaptiveBreaker(ambient, options.breaker);
  let wasOpen = false;
  breaker.onChange((state) => {
    options.onBreaker?.(state);
    const open = state.word === 'open';
    if (open) log.warn({ callee, ...state }, `${callee} fails: for now it is only asked now and then`);
    else if (wasOpen) log.info({ callee, ...state }, `${callee} is well again`);
    // Throttling may come and go with every call: no news for an ordinary log.
    else log.debug({ callee, ...state }, `the breaker before ${callee} is ${state.word}`);
    wasOpen = open;
  });
  const guarded = breakerWire(optional ? checkedWire(wire, contract, callee) : wire, {
    callee,
    breaker,
    ambient,
    probe: optional ? 'background' : 'inline',
    probeWithinMs: budgetMs,
    onReject: () => options.onReject?.(),
  });
  const outer = optional ? standIn(guarded, options, budgetMs) : guarded;
  return { ...outer, breaker: () => breaker.state() };
}

/** What only optional callees have. */
function standIn(guarded: Wire, options: ProtectOptions, budgetMs: number): Wire {
  const { callee, contract, ambient } = options;
  const bulkhead = createBulkhead(callee, ambient.timers, options.bulkhead);
  return fallbackWire(budgetWire(bulkheadWire(guarded, bulkhead), { ambient, budgetMs, reserveMs }), {
    callee,
    contract,
    onFallback: ({ path }) => options.onFallback?.(path),
  });
}
