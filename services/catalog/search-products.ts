import { invalidField } from '../../mesh/contract/error.js';
import type { Handlers } from '../../mesh/rpc/definition.js';
import type { ServicePorts } from '../../mesh/runtime/service.js';
import type { Row } from '../../mesh/store/store.js';
import type { CatalogServiceDefinition } from '../../proto/gen/meshmart/catalog/v1/catalog.js';
import { decodePageToken, encodePageToken } from './page-token.js';
import { productOf } from './product-row.js';
import { findProducts } from './products.js';
import { defaultPageSize } from './read-products.js';
import type { SearchIndex } from './search-index.js';
import { searchWords } from './search-words.js';

type Searching = Pick<Handlers<typeof CatalogServiceDefinition>, 'searchProducts'>;

/** Finding products by words. */
export function searchHandlers({ store }: Pick<ServicePorts, 'store'>, index: SearchIndex): Searching {
  return {
    searchProducts: async ({ q, pageSize, pageToken }, { trace }) => {
      const words = searchWords(q);
      if (words.length === 0) {
        throw invalidField('q', 'search.words', 'must hold a letter or a digit to look for');
      }
      const size = pageSize === 0 ? defaultPageSize : pageSize;
      const list = `search/${words.map(({ forms }) => forms[0]).join(' ')}`;
      const offset = decodePageToken(pageToken, list);
      const [hits, [counted]] = await Promise.all([
        store.query<Row & { id: string }>(index.find(words, size, offset), trace),
        store.query<Row & { total: number }>(index.count(words), trace),
      ]);
      const totalSize = Number(counted?.total ?? 0);
      const end = offset + hits.length;
      const rows = await findProducts(
        store,
        hits.map(({ id }) => id),
        trace,
      );
      return {
        products: rows.map(productOf),
        nextPageToken: hits.length > 0 && end < totalSize ? encodePageToken(list, end) : '',
        totalSize,
      };
    },
  };
}
