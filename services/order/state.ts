import type { Order, OrderFailure } from '../../proto/gen/meshmart/order/v1/order.js';
import type { StoredOrderEvent } from '../../proto/gen/meshmart/order/v1/order_store.js';

/** What happened, as the stream keeps it. */
export type OrderEvent = NonNullable<StoredOrderEvent['event']>;

/** The name of an event, as its history tells it: `StockReserved`. */
export type OrderEventName = OrderEvent['$case'];

/** How a participant's part of the purchase stands, as far as the order knows. */
export type PartState = 'unknown' | 'done' | 'refused' | 'undone';

/** An order with all that its saga needs to go on. Made only by `evolve`. */
export interface OrderSaga {
  /** What clients see. */
  readonly order: Order;
  readonly paymentToken: string;
  /** The command that placed it, to store its answer. */
  readonly command: { readonly scope: string; readonly key: string };
  /** The trace that its steps belong to. */
  readonly traceparent: string;
  readonly stock: PartState;
  readonly payment: PartState;
  readonly stockCommitted: boolean;
  readonly captured: boolean;
  readonly confirmed: boolean;
  readonly cancelRequested: boolean;
  readonly failure: OrderFailure | undefined;
  readonly final: boolean;
}
