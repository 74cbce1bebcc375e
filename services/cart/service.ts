import { handleOnce } from '../../mesh/bus/consumer.js';
import { implement, type Service } from '../../mesh/runtime/service.js';
import { StoreConflict } from '../../mesh/store/store.js';
import { CartServiceDefinition } from '../../proto/gen/meshmart/cart/v1/cart.js';
import { OrderPlaced } from '../../proto/gen/meshmart/order/v1/order_events.js';
import { subtractLines } from './cart.js';
import { conflict, loadCart, replaceLines } from './cart-store.js';
import { cartHandlers } from './handlers.js';
import { schema } from './schema.js';

/** One cart for each user or guest. */
export const service: Service = {
  schema,
  build: (ports) => {
    const { store, clock } = ports;
    const guestCartMs = Number(ports.setting('guestCartDays')) * 86_400_000;
    return {
      contracts: [implement(CartServiceDefinition, cartHandlers(ports))],
      events: {
        // What was ordered leaves the cart; what was put in meanwhile stays.
        'meshmart.order.v1.OrderPlaced': async (delivery, context) => {
          const placed = OrderPlaced.decode(delivery.data);
          await handleOnce(store, 'cart', delivery, async () => {
            const before = await loadCart(store, placed.userId, context.trace);
            return {
              statements: replaceLines(
                placed.userId,
                before,
                subtractLines(before.lines, placed.lines),
                clock.nowMs(),
              ),
              trace: context.trace,
            };
          }).catch((error: unknown) => {
            // Changed meanwhile: the bus delivers it again.
            throw error instanceof StoreConflict ? conflict() : error;
          });
        },
      },
      workers: [
        {
          name: 'forget old guest carts',
          everyMs: 3_600_000,
          run: async (context) => {
            const values = ['guest_%', clock.nowMs() - guestCartMs];
            await store.commit({
              statements: [{ sql: 'DELETE FROM carts WHERE owner LIKE ? AND touched_at_ms < ?', values }],
              trace: context.trace,
            });
          },
        },
      ],
    };
  },
};
