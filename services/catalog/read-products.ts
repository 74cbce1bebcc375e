import type { Handlers } from '../../mesh/rpc/definition.js';
import type { ServicePorts } from '../../mesh/runtime/service.js';
import type { Row } from '../../mesh/store/store.js';
import {
  type CatalogServiceDefinition,
  ListCategoriesResponse,
  ListProductsResponse,
} from '../../proto/gen/meshmart/catalog/v1/catalog.js';
import { decodePageToken, encodePageToken } from './page-token.js';
import { picture } from './picture/picture.js';
import { type ProductRow, productOf } from './product-row.js';
import { findProduct, findProducts } from './products.js';

type Reading = Pick<
  Handlers<typeof CatalogServiceDefinition>,
  'listProducts' | 'getProduct' | 'batchGetProducts' | 'listCategories' | 'getProductPicture'
>;

export const defaultPageSize = 20;

/** Lists, single products, categories and pictures. */
export function readingHandlers({ store }: Pick<ServicePorts, 'store'>): Reading {
  return {
    listProducts: async ({ category, pageSize, pageToken }, { trace }) => {
      const size = pageSize === 0 ? defaultPageSize : pageSize;
      const list = `products/${category}`;
      const after = decodePageToken(pageToken, list);
      const rows = await store.query<ProductRow>(
        category === ''
          ? {
              sql: 'SELECT * FROM products WHERE position > ? ORDER BY position LIMIT ?',
              values: [after, size + 1],
            }
          : {
              sql: 'SELECT * FROM products WHERE category = ? AND position > ? ORDER BY position LIMIT ?',
              values: [category, after, size + 1],
            },
        trace,
      );
      const page = rows.slice(0, size);
      const last = rows.length > size ? page.at(-1) : undefined;
      return ListProductsResponse.fromPartial({
        products: page.map(productOf),
        nextPageToken: last === undefined ? '' : encodePageToken(list, last.position),
      });
    },

    getProduct: async ({ id }, { trace }) => ({ product: productOf(await findProduct(store, id, trace)) }),

    batchGetProducts: async ({ ids }, { trace }) => ({
      products: (await findProducts(store, ids, trace)).map(productOf),
    }),

    listCategories: async (_request, { trace }) => {
      const rows = await store.query<Row & { id: string; name: string; products: number }>(
        {
          sql: `SELECT categories.id, categories.name, COUNT(products.id) AS products
            FROM categories LEFT JOIN products ON products.category = categories.id
            GROUP BY categories.id, categories.name, categories.position ORDER BY categories.position`,
        },
        trace,
      );
      return ListCategoriesResponse.fromPartial({
        categories: rows.map(({ id, name, products }) => ({ id, name, productCount: Number(products) })),
      });
    },

    getProductPicture: async ({ id }, { trace }) => ({
      contentType: 'image/svg+xml',
      data: Buffer.from(picture(await findProduct(store, id, trace))),
    }),
  };
}
