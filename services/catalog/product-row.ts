import { MeshError } from '../../mesh/contract/error.js';
import type { Row } from '../../mesh/store/store.js';
import type { Product } from '../../proto/gen/meshmart/catalog/v1/catalog.js';

/** A product as it is stored. `tags` are separated by spaces. */
export interface ProductRow extends Row {
  readonly id: string;
  readonly position: number;
  readonly name: string;
  readonly description: string;
  readonly category: string;
  readonly currency_code: string;
  readonly price_units: number;
  readonly price_nanos: number;
  readonly weight_grams: number;
  readonly tags: string;
  readonly motif: string;
  readonly version: number;
}

/** A product as the contract shows it. */
export function productOf(row: ProductRow): Product {
  return {
    id: row.id,
    name: row.name,
    description: row.description,
    category: row.category,
    price: { currencyCode: row.currency_code, units: BigInt(row.price_units), nanos: row.price_nanos },
    weightGrams: row.weight_grams,
    picturePath: `/v1/products/${row.id}/picture`,
    tags: row.tags === '' ? [] : row.tags.split(' '),
    version: BigInt(row.version),
  };
}

export function productNotFound(id: string): MeshError {
  return new MeshError({
    code: 'NOT_FOUND',
    reason: 'PRODUCT_NOT_FOUND',
    message: `no product has the id '${id}': list or search products for the ids there are`,
    metadata: { productId: id },
  });
}
