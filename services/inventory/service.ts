import { implement, type Service } from '../../mesh/runtime/service.js';
import { InventoryServiceDefinition } from '../../proto/gen/meshmart/inventory/v1/inventory.js';
import { OrderServiceDefinition } from '../../proto/gen/meshmart/order/v1/order.js';
import { initialStock } from './initial-stock.js';
import { plantSeed } from './plant-seed.js';
import { reservationHandlers } from './reservations.js';
import { schema } from './schema.js';
import { readSettings } from './settings.js';
import { stockHandlers } from './stock-handlers.js';
import { expirySweep } from './sweep.js';

/** Stock, and its reservation for orders. */
export const service: Service = {
  schema,
  build: (ports) => {
    const { reservationMs, sweepMs } = readSettings(ports.setting);
    const order = ports.client(OrderServiceDefinition);
    return {
      contracts: [
        implement(InventoryServiceDefinition, {
          ...stockHandlers(ports),
          ...reservationHandlers(ports, reservationMs),
        }),
      ],
      workers: [expirySweep({ ports, order, reservationMs, everyMs: sweepMs })],
      start: () => plantSeed(ports.store, initialStock),
    };
  },
};
