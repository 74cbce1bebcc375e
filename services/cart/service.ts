import { handleOnce } from '../../mesh/bus/consumer.js';
import { numberSettings } from '../../mesh/runtime/number-setting.js';
import { implement, type Service } from '../../mesh/runtime/service.js';
import { StoreConflict } from '../../mesh/store/store.js';
import { CartServiceDefinition } from '../../proto/gen/meshmart/cart/v1/cart.js';
import { OrderPlaced } from '../../proto/gen/meshmart/order/v1/order_events.js';
import { subtractLines } from './cart.js';
import { cartsIn, conflict } from './cart-store.js';
import { cartHandlers } from './handlers.js';
import { schema } from './schema.js';

/** One cart for each user or guest. */
export const service: Service = {
  schema,
  build: (ports) => {
    const { documents } = ports;
    const guestCartDays = numberSettings('cart', ports.setting)('guestCartDays', { least: 0.001, most: 365 });
    const carts = cartsIn(documents, guestCartDays * 86_400_000);
    return {
      contracts: [implement(CartServiceDefinition, cartHandlers(ports, carts))],
      events: {
        // What was ordered leaves the cart; what was put in meanwhile stays.
        'meshmart.order.v1.OrderPlaced': async (delivery, context) => {
          const { userId, lines } = OrderPlaced.decode(delivery.data);
          await handleOnce(documents, 'cart', delivery, async () => {
            const before = await carts.load(userId, context.trace);
            return {
              changes: [carts.replacing(userId, before, subtractLines(before.lines, lines))],
              trace: context.trace,
            };
          }).catch((error: unknown) => {
            // Changed meanwhile: the bus delivers it again.
            throw error instanceof StoreConflict ? conflict() : error;
          });
        },
      },
    };
  },
};
