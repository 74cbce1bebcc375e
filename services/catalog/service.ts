import { implement, type Service } from '../../mesh/runtime/service.js';
import { CatalogServiceDefinition } from '../../proto/gen/meshmart/catalog/v1/catalog.js';
import { plantSeed } from './plant-seed.js';
import { readingHandlers } from './read-products.js';
import { schema } from './schema.js';
import { sqliteSearchIndex } from './search-index.js';
import { searchHandlers } from './search-products.js';
import { seedCategories } from './seed/catalogue.js';
import { pricingHandlers } from './update-price.js';

/** Products, prices, pictures and search. */
export const service: Service = {
  schema,
  build: (ports) => ({
    contracts: [
      implement(CatalogServiceDefinition, {
        ...readingHandlers(ports),
        ...searchHandlers(ports, sqliteSearchIndex),
        ...pricingHandlers(ports),
      }),
    ],
    start: () => plantSeed(ports.store, sqliteSearchIndex, seedCategories),
  }),
};
