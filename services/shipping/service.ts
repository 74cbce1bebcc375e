import { implement, type Service } from '../../mesh/runtime/service.js';
import { ShippingServiceDefinition } from '../../proto/gen/meshmart/shipping/v1/shipping.js';
import { schema } from './schema.js';
import { shippingHandlers } from './shipments.js';

/** Quotes, parcels and where they are. */
export const service: Service = {
  schema,
  build: (ports) => ({ contracts: [implement(ShippingServiceDefinition, shippingHandlers(ports))] }),
};
