import { fromCents } from '../../mesh/contract/money.js';
import { type GuardedStatement, type Store, StoreConflict } from '../../mesh/store/store.js';
import { currency } from './price.js';
import type { SearchIndex } from './search-index.js';
import { type PlacedProduct, placedProducts } from './seed/catalogue.js';
import type { SeedCategory } from './seed/product.js';

/** Names the seed in the table `seeds`. A catalogue that is planted beside this one needs another name. */
const seedName = 'catalogue-1';

/** Fills an empty catalogue, all of it or nothing; a catalogue that was filled before stays as it is. */
export async function plantSeed(
  store: Store,
  index: SearchIndex,
  categories: readonly SeedCategory[],
): Promise<void> {
  const planted = await store.query({ sql: 'SELECT 1 FROM seeds WHERE name = ?', values: [seedName] });
  if (planted.length > 0) return;
  try {
    await store.commit({
      statements: [
        {
          sql: 'INSERT INTO seeds (name) VALUES (?) ON CONFLICT DO NOTHING',
          values: [seedName],
          changes: 1,
          guard: 'seed',
        },
        ...categories.map(({ id, name }, position) => ({
          sql: 'INSERT INTO categories (id, name, position) VALUES (?, ?, ?)',
          values: [id, name, position + 1],
        })),
        ...placedProducts(categories).flatMap((product) => [insert(product), index.add(product)]),
      ],
    });
  } catch (error) {
    // Another instance of the service was quicker.
    if (!(error instanceof StoreConflict)) throw error;
  }
}

function insert(product: PlacedProduct): GuardedStatement {
  const price = fromCents(currency, BigInt(product.cents));
  return {
    sql: `INSERT INTO products (id, position, name, description, category, currency_code, price_units, price_nanos,
      weight_grams, tags, motif, version) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)`,
    values: [
      product.id,
      product.position,
      product.name,
      product.description,
      product.category,
      price.currencyCode,
      price.units,
      price.nanos,
      product.weightGrams,
      product.tags.join(' '),
      product.motif,
    ],
  };
}
