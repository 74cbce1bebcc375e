import { MeshError } from '../../mesh/contract/error.js';
import { timestampOf } from '../../mesh/contract/timestamp.js';
import type { Clock } from '../../mesh/runtime/ports.js';
import type { Batch, OutboxMessage, Row, Store } from '../../mesh/store/store.js';
import type { TraceContext } from '../../mesh/telemetry/trace-context.js';
import { Order, PlaceOrderResponse } from '../../proto/gen/meshmart/order/v1/order.js';
import {
  OrderCancelled,
  OrderConfirmed,
  OrderPlaced,
  OrderRejected,
  OrderShipped,
} from '../../proto/gen/meshmart/order/v1/order_events.js';
import { StoredOrderEvent } from '../../proto/gen/meshmart/order/v1/order_store.js';
import { evolve, replay, storedType } from './evolve.js';
import { orderRow, ordersProjection } from './projection.js';
import type { OrderEvent, OrderSaga } from './state.js';

/** Loads an order from its events; undefined when there is none. */
export async function loadSaga(
  store: Store,
  orderId: string,
  trace?: TraceContext,
): Promise<OrderSaga | undefined> {
  return replay(await store.readStream(streamOf(orderId), 0, trace));
}

/** An order as its projection shows it, if it belongs to this user. @throws MeshError NOT_FOUND (ORDER_NOT_FOUND). */
export async function loadOwnOrder(
  store: Store,
  orderId: string,
  userId: string,
  trace?: TraceContext,
): Promise<Order> {
  const [row] = await store.query<Row & { snapshot: Uint8Array }>(
    { sql: 'SELECT snapshot FROM orders WHERE id = ? AND user_id = ?', values: [orderId, userId] },
    trace,
  );
  if (row !== undefined) return Order.decode(row.snapshot);
  throw new MeshError({
    code: 'NOT_FOUND',
    reason: 'ORDER_NOT_FOUND',
    message: `there is no order ${orderId}: list your orders to see their ids`,
  });
}

const { table, columns } = ordersProjection;
const writeRow = `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})
  ON CONFLICT (id) DO UPDATE SET ${columns
    .slice(1)
    .map((column) => `${column} = excluded.${column}`)
    .join(', ')}`;

/**
 * The batch that makes events happen: the stream, the projection, the messages for others, and, when the order is confirmed
 * or refused by them, the answer of the command that placed it.
 */
export function batchOf(
  before: OrderSaga | undefined,
  events: readonly OrderEvent[],
  clock: Clock,
): { readonly batch: Batch; readonly after: OrderSaga } {
  const nowMs = clock.nowMs();
  const [first, ...rest] = events;
  if (first === undefined) throw new RangeError('a batch without events');
  const after = rest.reduce((saga, event) => evolve(saga, event, nowMs), evolve(before, first, nowMs));
  const { order } = after;
  const decided = events.some(
    ({ $case }) => $case === 'confirmed' || $case === 'rejected' || $case === 'cancelled',
  );
  return {
    after,
    batch: {
      streams: [
        {
          stream: streamOf(order.id),
          expectedVersion: Number(before?.order.version ?? 0n),
          events: events.map((event) => ({
            type: storedType,
            data: StoredOrderEvent.encode({ occurredAt: timestampOf(nowMs), event }).finish(),
          })),
        },
      ],
      statements: [{ sql: writeRow, values: orderRow(after) }],
      outbox: events.flatMap((event) => messageOf(event, after, nowMs)),
      ...(decided
        ? { answer: { ...after.command, response: PlaceOrderResponse.encode({ order }).finish() } }
        : {}),
    },
  };
}

/** What others are told of an event. The card's token stays here. */
function messageOf(event: OrderEvent, saga: OrderSaga, nowMs: number): OutboxMessage[] {
  const { id, userId, lines, total } = saga.order;
  const base = { orderId: id, userId, lines, total, occurredAt: timestampOf(nowMs) };
  const message = (name: string, data: Uint8Array): OutboxMessage[] => [
    { type: `meshmart.order.v1.${name}`, key: id, data },
  ];
  switch (event.$case) {
    case 'placed':
      return message('OrderPlaced', OrderPlaced.encode(base).finish());
    case 'confirmed':
      return message('OrderConfirmed', OrderConfirmed.encode(base).finish());
    case 'shipped':
      return message('OrderShipped', OrderShipped.encode({ ...base, ...event.value }).finish());
    case 'rejected':
      return message(
        'OrderRejected',
        OrderRejected.encode({ ...base, failure: event.value.failure }).finish(),
      );
    case 'cancelled':
      return message('OrderCancelled', OrderCancelled.encode(base).finish());
    default:
      return [];
  }
}

/** The stream that an order's events are in. */
export function streamOf(orderId: string): string {
  return `order-${orderId}`;
}
