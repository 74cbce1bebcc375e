import type { Product } from '../../proto/gen/meshmart/catalog/v1/catalog.js';

/** The products that catalog has told of lately: what is left to show when it does not answer. */
export interface ProductMemory {
  remember(products: readonly Product[]): void;
  recall(id: string): Product | undefined;
}

/** @param capacity most products to remember; the ones that were told of longest ago go first. Default 500. */
export function createProductMemory(capacity = 500): ProductMemory {
  const products = new Map<string, Product>();
  return {
    remember: (told) => {
      for (const product of told) {
        products.delete(product.id);
        products.set(product.id, product);
      }
      for (const id of products.keys()) {
        if (products.size <= capacity) break;
        products.delete(id);
      }
    },
    recall: (id) => products.get(id),
  };
}
