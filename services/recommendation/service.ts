import { implement, type Service } from '../../mesh/runtime/service.js';
import { CatalogServiceDefinition } from '../../proto/gen/meshmart/catalog/v1/catalog.js';
import { RecommendationServiceDefinition } from '../../proto/gen/meshmart/recommendation/v1/recommendation.js';
import { learnFromOrder } from './learn.js';
import { recommendationHandlers } from './list-recommendations.js';
import { schema } from './schema.js';

/** What else people buy, learnt from orders. */
export const service: Service = {
  schema,
  build: (ports) => ({
    contracts: [
      implement(
        RecommendationServiceDefinition,
        recommendationHandlers(ports, ports.client(CatalogServiceDefinition)),
      ),
    ],
    events: { 'meshmart.order.v1.OrderConfirmed': learnFromOrder(ports) },
  }),
};
