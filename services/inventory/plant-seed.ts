import { type Store, StoreConflict } from '../../mesh/store/store.js';

/** Names the seed in the table `seeds`. Stock that is planted beside this one needs another name. */
const seedName = 'stock-1';

/**
 * Fills an empty stock, all of it or nothing; a stock that was filled before stays as it is.
 * @param pieces by product id.
 */
export async function plantSeed(store: Store, pieces: Readonly<Record<string, number>>): Promise<void> {
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
        ...Object.entries(pieces).map(([productId, available]) => ({
          sql: 'INSERT INTO stock (product_id, available, reserved, committed) VALUES (?, ?, 0, 0)',
          values: [productId, available],
        })),
      ],
    });
  } catch (error) {
    // Another instance of the service was quicker.
    if (!(error instanceof StoreConflict)) throw error;
  }
}
