import { MeshError } from '../../mesh/contract/error.js';
import type { CallContext } from '../../mesh/rpc/context.js';
import type { Client } from '../../mesh/rpc/definition.js';
import type { CatalogServiceDefinition, Product } from '../../proto/gen/meshmart/catalog/v1/catalog.js';
import type { Companion } from './companions.js';
import type { ProductMemory } from './product-memory.js';

/** What catalog knows about a product's companions and its category. */
export interface Shelf {
  /** By id; what is missing is not for sale, or could not be asked for. */
  readonly products: ReadonlyMap<string, Product>;
  /** Ids of products of the same category, in the order of the catalogue. */
  readonly fillers: readonly string[];
  /** True when catalog did not answer in time, so that what it said before takes the place of its answer. */
  readonly degraded: boolean;
}

/** Which products to look up. */
export interface ShelfRequest {
  readonly productId: string;
  readonly companions: readonly Companion[];
  /** How many products are wanted in all. */
  readonly size: number;
  /** How long catalog may still take, in milliseconds from the moment of asking. */
  remainingMs(): number;
}

type Catalog = Pick<
  Client<typeof CatalogServiceDefinition>,
  'getProduct' | 'batchGetProducts' | 'listProducts'
>;

/**
 * Asks catalog for the product, its companions and its category.
 * @throws MeshError NOT_FOUND (PRODUCT_NOT_FOUND) when catalog says that there is no such product. Any
 * other failure of catalog makes the shelf degraded.
 */
export async function lookUpShelf(
  catalog: Catalog,
  memory: ProductMemory,
  { productId, companions, size, remainingMs }: ShelfRequest,
  context: CallContext,
): Promise<Shelf> {
  const limit = () => ({ deadlineMs: Math.max(1, remainingMs()) });
  const ids = companions.map((companion) => companion.productId);
  const sameCategory = async () => {
    const { product } = await catalog.getProduct({ id: productId }, context, limit());
    if (product === undefined) return [];
    memory.remember([product]);
    if (ids.length >= size) return [];
    // The page may hold the product itself and all of its companions, which fill no place.
    const pageSize = Math.min(100, size + ids.length + 1);
    const { products } = await catalog.listProducts(
      { category: product.category, pageSize },
      context,
      limit(),
    );
    return products;
  };
  const known = async () =>
    ids.length === 0 ? [] : (await catalog.batchGetProducts({ ids }, context, limit())).products;
  const [category, listed] = await Promise.allSettled([sameCategory(), known()]);
  if (category.status === 'rejected' && saysNotFound(category.reason)) throw category.reason;
  const told = [category, listed].flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
  memory.remember(told);
  const products = new Map(told.map((product) => [product.id, product]));
  const degraded = category.status === 'rejected' || listed.status === 'rejected';
  if (degraded) {
    for (const id of ids) {
      const recalled = memory.recall(id);
      if (recalled !== undefined && !products.has(id)) products.set(id, recalled);
    }
  }
  const fillers = category.status === 'fulfilled' ? category.value.map(({ id }) => id) : [];
  return { products, fillers, degraded };
}

function saysNotFound(error: unknown): boolean {
  return MeshError.is(error) && error.reason === 'PRODUCT_NOT_FOUND';
}
