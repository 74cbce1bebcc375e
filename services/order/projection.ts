import type { Projection } from '../../mesh/store/projection.js';
import type { Upcasters } from '../../mesh/store/upcast.js';
import { Order } from '../../proto/gen/meshmart/order/v1/order.js';
import { replay } from './evolve.js';
import type { OrderSaga } from './state.js';
import { upcasters } from './upcasters.js';

/** The table of orders as clients see them: one row a stream. @param steps see {@link replay}. */
export function ordersBy(steps: Upcasters): Projection {
  return {
    table: 'orders',
    columns: ['id', 'user_id', 'version', 'final', 'snapshot', 'updated_at_ms'],
    streams: 'order-',
    row: (events) => {
      const saga = replay(events, steps);
      if (saga === undefined) throw new Error('a stream of an order has no events');
      return orderRow(saga);
    },
  };
}

/** The same, with the steps of this version. */
export const ordersProjection: Projection = ordersBy(upcasters);

/** The row of an order, in the order of the projection's columns. */
export function orderRow({ order, final }: OrderSaga): [string, string, number, number, Uint8Array, number] {
  const { seconds, nanos } = order.updatedAt ?? { seconds: 0n, nanos: 0 };
  return [
    order.id,
    order.userId,
    Number(order.version),
    final ? 1 : 0,
    Order.encode(order).finish(),
    Number(seconds) * 1_000 + Math.round(nanos / 1e6),
  ];
}
