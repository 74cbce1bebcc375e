import { handleOnce } from '../../mesh/bus/consumer.js';
import type { EventHandler, ServicePorts } from '../../mesh/runtime/service.js';
import { OrderConfirmed } from '../../proto/gen/meshmart/order/v1/order_events.js';
import { countOrder } from './companion-table.js';
import { neighbourhoods } from './companions.js';

/** Learns from a confirmed order, once however often its event comes. */
export function learnFromOrder({ store }: Pick<ServicePorts, 'store'>): EventHandler {
  return (delivery, { trace }) =>
    handleOnce(store, 'recommendation', delivery, async () => {
      const { lines } = OrderConfirmed.decode(delivery.data);
      return { statements: neighbourhoods(lines.map(({ productId }) => productId)).map(countOrder), trace };
    });
}
