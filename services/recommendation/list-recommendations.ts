import type { Client, Handlers } from '../../mesh/rpc/definition.js';
import type { ServicePorts } from '../../mesh/runtime/service.js';
import type { CatalogServiceDefinition, Product } from '../../proto/gen/meshmart/catalog/v1/catalog.js';
import type {
  RecommendationServiceDefinition,
  RecommendedProduct,
} from '../../proto/gen/meshmart/recommendation/v1/recommendation.js';
import { topCompanions } from './companion-table.js';
import { rank } from './companions.js';
import { createProductMemory } from './product-memory.js';
import { lookUpShelf } from './shelf.js';

const defaultPageSize = 5;

/** What is kept of the caller's time to put the answer together after catalog has had its chance, in milliseconds. */
const reserveMs = 40;

/** Companions that are read beyond what is wanted, because some may not be for sale any more. */
const spareCompanions = 5;

/** Listing recommendations. @param catalog may be slow or gone: the answer says so by `degraded`. */
export function recommendationHandlers(
  { store, clock }: Pick<ServicePorts, 'store' | 'clock'>,
  catalog: Client<typeof CatalogServiceDefinition>,
): Handlers<typeof RecommendationServiceDefinition> {
  const memory = createProductMemory();
  return {
    listRecommendations: async ({ productId, pageSize }, context) => {
      const size = pageSize === 0 ? defaultPageSize : pageSize;
      const companions = await topCompanions(store, productId, size + spareCompanions, context.trace);
      const remainingMs = () => context.deadlineMs - reserveMs - clock.nowMs();
      const shelf = await lookUpShelf(catalog, memory, { productId, companions, size, remainingMs }, context);
      const forSale = companions.filter((companion) => shelf.products.has(companion.productId));
      const products = rank(productId, forSale, shelf.fillers, size).flatMap((companion) => {
        const product = shelf.products.get(companion.productId);
        return product === undefined ? [] : [recommended(product, companion.orders)];
      });
      return { products, degraded: shelf.degraded };
    },
  };
}

function recommended(product: Product, boughtTogether: number): RecommendedProduct {
  const { id, name, price, picturePath } = product;
  return { productId: id, name, price, picturePath, boughtTogether };
}
