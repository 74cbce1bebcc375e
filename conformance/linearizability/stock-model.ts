import type { SequentialModel } from './linearizability.js';

/** What can be done with the pieces of one product. */
export type StockCall =
  | { readonly kind: 'reserve'; readonly orderId: string; readonly quantity: number }
  | { readonly kind: 'commit'; readonly orderId: string }
  | { readonly kind: 'release'; readonly orderId: string }
  | { readonly kind: 'get' };

/** What comes of it: the figures, that it is done, or why it is refused. */
export type StockResult =
  | {
      readonly kind: 'figures';
      readonly available: number;
      readonly reserved: number;
      readonly committed: number;
    }
  | { readonly kind: 'done' }
  | { readonly kind: 'refused'; readonly reason: string };

/** The pieces of one product and who holds them. */
export interface StockState {
  readonly available: number;
  readonly orders: ReadonlyMap<
    string,
    { readonly state: 'held' | 'committed' | 'released'; readonly quantity: number }
  >;
}

const done: StockResult = { kind: 'done' };
const refused = (reason: string): StockResult => ({ kind: 'refused', reason });

/** Stock as the contract of inventory tells it, one call after the other; reservations do not expire in it. */
export function stockModel(pieces: number): SequentialModel<StockState, StockCall, StockResult> {
  return {
    initial: { available: pieces, orders: new Map() },
    step: (state, call) => {
      const stay = (result: StockResult) => ({ state, result });
      if (call.kind === 'get') {
        const sum = (wanted: string) =>
          [...state.orders.values()].reduce(
            (total, one) => total + (one.state === wanted ? one.quantity : 0),
            0,
          );
        const figures = { available: state.available, reserved: sum('held'), committed: sum('committed') };
        return stay({ kind: 'figures', ...figures });
      }
      const { orderId } = call;
      const existing = state.orders.get(orderId);
      const put = (one: NonNullable<typeof existing>, taken: number) => ({
        state: { available: state.available - taken, orders: new Map(state.orders).set(orderId, one) },
        result: done,
      });
      switch (call.kind) {
        case 'reserve':
          if (existing?.state === 'released') return stay(refused('RESERVATION_VOIDED'));
          if (existing !== undefined) return stay(done);
          if (state.available < call.quantity) return stay(refused('OUT_OF_STOCK'));
          return put({ state: 'held', quantity: call.quantity }, call.quantity);
        case 'commit':
          if (existing === undefined) return stay(refused('RESERVATION_NOT_FOUND'));
          if (existing.state === 'released') return stay(refused('RESERVATION_VOIDED'));
          return existing.state === 'committed' ? stay(done) : put({ ...existing, state: 'committed' }, 0);
        case 'release':
          if (existing === undefined) return put({ state: 'released', quantity: 0 }, 0);
          if (existing.state === 'committed') return stay(refused('CONFLICT'));
          return existing.state === 'released'
            ? stay(done)
            : put({ ...existing, state: 'released' }, -existing.quantity);
        default:
          return call satisfies never;
      }
    },
    sameResult: (expected, seen) => JSON.stringify(expected) === JSON.stringify(seen),
    keyOf: ({ available, orders }) =>
      `${available} ${[...orders]
        .map(([orderId, { state }]) => `${orderId}:${state}`)
        .sort()
        .join(' ')}`,
  };
}
