import { deadlineSignal, orAborted } from '../rpc/deadline.js';
import type { Wire } from '../rpc/wire.js';
import type { Ambient } from '../runtime/ports.js';
import { isPlainRead } from './repeatable.js';

/** What a caller spends on one callee. */
export interface BudgetOptions {
  readonly ambient: Ambient;
  /** Longest wait for an answer, in milliseconds; the contract's own deadline holds where it is shorter. */
  readonly budgetMs: number;
  /** What is kept of the caller's own time, so that it can still answer without the callee, in milliseconds. */
  readonly reserveMs: number;
}

/** Ends plain reads after their budget, whatever the hop does; other calls keep their deadlines. */
export function budgetWire(wire: Wire, { ambient, budgetMs, reserveMs }: BudgetOptions): Wire {
  return {
    call: async (request) => {
      const { method } = request;
      if (!isPlainRead(method)) return wire.call(request);
      const ownMs = ambient.clock.nowMs() + Math.min(budgetMs, method.deadlineMs);
      const deadlineMs = Math.min(ownMs, request.deadlineMs - reserveMs);
      const { signal, dispose } = deadlineSignal(ambient, request.signal, deadlineMs, method.path);
      try {
        signal.throwIfAborted();
        return await orAborted(wire.call({ ...request, deadlineMs, signal }), signal);
      } finally {
        dispose();
      }
    },
    close: () => wire.close(),
  };
}
