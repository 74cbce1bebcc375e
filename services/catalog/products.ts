import type { Store } from '../../mesh/store/store.js';
import type { TraceContext } from '../../mesh/telemetry/trace-context.js';
import { type ProductRow, productNotFound } from './product-row.js';

/** A product's row. @throws MeshError NOT_FOUND when no product has this id. */
export async function findProduct(store: Store, id: string, trace?: TraceContext): Promise<ProductRow> {
  const [row] = await store.query<ProductRow>(
    { sql: 'SELECT * FROM products WHERE id = ?', values: [id] },
    trace,
  );
  if (row === undefined) throw productNotFound(id);
  return row;
}

/** The rows that exist, in the order of the ids; an id that comes twice gives its row once. */
export async function findProducts(
  store: Store,
  ids: readonly string[],
  trace?: TraceContext,
): Promise<ProductRow[]> {
  const distinct = [...new Set(ids)];
  if (distinct.length === 0) return [];
  const rows = await store.query<ProductRow>(
    { sql: `SELECT * FROM products WHERE id IN (${distinct.map(() => '?').join(', ')})`, values: distinct },
    trace,
  );
  const byId = new Map(rows.map((row) => [row.id, row]));
  return distinct.flatMap((id) => byId.get(id) ?? []);
}
