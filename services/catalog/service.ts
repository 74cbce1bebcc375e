import { implement, type Service } from '../../mesh/runtime/service.js';
import { CatalogServiceDefinition } from '../../proto/gen/meshmart/catalog/v1/catalog.js';
import { plantSeed } from './plant-seed.js';
import { readingHandlers } from './read-products.js';
import { schema } from './schema.js';
import { searchIndexes } from './search-index.js';
import { searchHandlers } from './search-products.js';
import { seedCategories } from './seed/catalogue.js';
import { pricingHandlers } from './update-price.js';

/** Products, prices, pictures and search. */
export const service: Service = {
  schema,
  build: (ports) => {
    const index = searchIndexes[ports.store.dialect];
    return {
      contracts: [
        implement(CatalogServiceDefinition, {
          ...readingHandlers(ports),
          ...searchHandlers(ports, index),
          ...pricingHandlers(ports),
        }),
      ],
      start: () => plantSeed(ports.store, index, seedCategories),
    };
  },
};
