import { timestampOf } from '../../mesh/contract/timestamp.js';
import type { RecordedEvent } from '../../mesh/store/store.js';
import { type Upcasters, upcast } from '../../mesh/store/upcast.js';
import { type Order, OrderState } from '../../proto/gen/meshmart/order/v1/order.js';
import { StoredOrderEvent } from '../../proto/gen/meshmart/order/v1/order_store.js';
import type { OrderEvent, OrderSaga } from './state.js';
import { upcasters } from './upcasters.js';

/** The full name under which events are stored. */
export const storedType = 'meshmart.order.v1.StoredOrderEvent';

/**
 * The saga that a stream tells, or undefined for an empty stream. Events of older kinds are brought to today's.
 * @param steps from each older kind to the next newer one.
 */
export function replay(
  events: readonly RecordedEvent[],
  steps: Upcasters = upcasters,
): OrderSaga | undefined {
  return events.reduce<OrderSaga | undefined>((saga, recorded) => {
    const { type, data } = upcast(recorded, steps);
    const { event, occurredAt } = StoredOrderEvent.decode(data);
    if (event === undefined || type !== storedType)
      throw new Error(`event ${recorded.version} of a stream is of a kind that this version does not know`);
    return evolve(saga, event, Number(occurredAt?.seconds ?? 0n) * 1_000 + (occurredAt?.nanos ?? 0) / 1e6);
  }, undefined);
}

/**
 * The order after an event. Pure: the same events give the same order, whenever they are told.
 * @throws Error for an event before the first, which must be `placed`.
 */
export function evolve(saga: OrderSaga | undefined, event: OrderEvent, atMs: number): OrderSaga {
  if (event.$case === 'placed') return place(event, atMs);
  if (saga === undefined) throw new Error(`the stream of an order begins with ${event.$case}`);
  return apply({ ...saga, order: noted(saga.order, event, atMs) }, event);
}

/** `stock_reserved` of the oneof is `StockReserved` for people. */
function nameOf(event: OrderEvent): string {
  return event.$case.charAt(0).toUpperCase() + event.$case.slice(1);
}

function noted(order: Order, event: OrderEvent, atMs: number): Order {
  const at = timestampOf(atMs);
  const version = order.version + 1n;
  return {
    ...order,
    version,
    updatedAt: at,
    history: [...order.history, { type: nameOf(event), at, version }],
  };
}

function place(event: Extract<OrderEvent, { $case: 'placed' }>, atMs: number): OrderSaga {
  const { value } = event;
  const empty: Order = {
    id: value.orderId,
    userId: value.userId,
    state: OrderState.ORDER_STATE_PLACED,
    lines: value.lines,
    subtotal: value.subtotal,
    shippingCost: value.shippingCost,
    total: value.total,
    shippingAddress: value.shippingAddress,
    shippingOptionId: value.shippingOptionId,
    paymentId: '',
    shipmentId: '',
    failure: undefined,
    placedAt: timestampOf(atMs),
    updatedAt: timestampOf(atMs),
    version: 0n,
    history: [],
  };
  return {
    order: noted(empty, event, atMs),
    paymentToken: value.paymentToken,
    command: { scope: value.commandScope, key: value.commandKey },
    traceparent: value.traceparent,
    stock: 'unknown',
    payment: 'unknown',
    stockCommitted: false,
    captured: false,
    confirmed: false,
    cancelRequested: false,
    failure: undefined,
    final: false,
  };
}

function apply(saga: OrderSaga, event: Exclude<OrderEvent, { $case: 'placed' }>): OrderSaga {
  const inState = (state: OrderState, changes: Partial<Order> = {}): Order => ({
    ...saga.order,
    state,
    ...changes,
  });
  switch (event.$case) {
    case 'stockReserved':
      return { ...saga, stock: 'done', order: inState(OrderState.ORDER_STATE_STOCK_RESERVED) };
    case 'stockRefused':
      return {
        ...saga,
        stock: 'refused',
        failure: event.value.failure,
        order: inState(OrderState.ORDER_STATE_COMPENSATING),
      };
    case 'paymentAuthorized':
      return {
        ...saga,
        payment: 'done',
        order: inState(OrderState.ORDER_STATE_PAYMENT_AUTHORIZED, { paymentId: event.value.paymentId }),
      };
    case 'paymentRefused':
      return {
        ...saga,
        payment: 'refused',
        failure: event.value.failure,
        order: inState(OrderState.ORDER_STATE_COMPENSATING),
      };
    case 'confirmed':
      return { ...saga, confirmed: true, order: inState(OrderState.ORDER_STATE_CONFIRMED) };
    case 'stockCommitted':
      return { ...saga, stockCommitted: true };
    case 'paymentCaptured':
      return { ...saga, captured: true, order: inState(OrderState.ORDER_STATE_PAID) };
    case 'shipped':
      return {
        ...saga,
        final: true,
        order: inState(OrderState.ORDER_STATE_SHIPPED, { shipmentId: event.value.shipmentId }),
      };
    case 'cancelRequested':
      return { ...saga, cancelRequested: true, order: inState(OrderState.ORDER_STATE_COMPENSATING) };
    case 'paymentVoided':
      return { ...saga, payment: 'undone' };
    case 'stockReleased':
      return { ...saga, stock: 'undone' };
    case 'rejected':
      return {
        ...saga,
        final: true,
        order: inState(OrderState.ORDER_STATE_REJECTED, { failure: event.value.failure }),
      };
    case 'cancelled':
      return { ...saga, final: true, order: inState(OrderState.ORDER_STATE_CANCELLED) };
    default:
      return event satisfies never;
  }
}
