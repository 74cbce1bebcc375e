import type { Ambient } from '../../mesh/runtime/ports.js';
import { CallFailure, type ShopClient } from './shop-client.js';

/** One call of a client, for the history. Times are monotonic milliseconds of the client's own clock. */
export interface RecordedCall {
  readonly user: string;
  readonly call: keyof ShopClient;
  readonly startedMs: number;
  readonly endedMs: number;
  readonly outcome: 'ok' | 'fail' | 'info';
  /** Why it is not `ok`. */
  readonly reason: string;
}

/** A client whose every call is told to `record` when it has ended. */
export function recordedClient(
  client: ShopClient,
  user: string,
  clock: Ambient['clock'],
  record: (call: RecordedCall) => void,
): ShopClient {
  const recorded = async <T>(call: keyof ShopClient, work: () => Promise<T>): Promise<T> => {
    const startedMs = clock.monotonicMs();
    const note = (outcome: RecordedCall['outcome'], reason: string) =>
      record({ user, call, startedMs, endedMs: clock.monotonicMs(), outcome, reason });
    try {
      const answer = await work();
      note('ok', '');
      return answer;
    } catch (error) {
      if (error instanceof CallFailure) note(error.outcome, error.reason);
      throw error;
    }
  };
  return {
    cart: () => recorded('cart', () => client.cart()),
    addItem: (productId, quantity, key) =>
      recorded('addItem', () => client.addItem(productId, quantity, key)),
    placeOrder: (key, cardToken) => recorded('placeOrder', () => client.placeOrder(key, cardToken)),
    order: (id) => recorded('order', () => client.order(id)),
    orders: () => recorded('orders', () => client.orders()),
    cancel: (id) => recorded('cancel', () => client.cancel(id)),
  };
}
