import type { GuardedStatement, Row, Store } from '../../mesh/store/store.js';
import type { TraceContext } from '../../mesh/telemetry/trace-context.js';
import type { Companion, Neighbourhood } from './companions.js';

/** Adds one order to the counts of a product and its companions: one statement for all of them. */
export function countOrder({ productId, others }: Neighbourhood): GuardedStatement {
  return {
    sql: `INSERT INTO bought_together (product_id, other_id, orders) VALUES ${others.map(() => '(?, ?, 1)').join(', ')}
      ON CONFLICT (product_id, other_id) DO UPDATE SET orders = bought_together.orders + 1`,
    values: others.flatMap((other) => [productId, other]),
  };
}

/** The products that were most often bought together with one; equals by id. */
export async function topCompanions(
  store: Store,
  productId: string,
  limit: number,
  trace?: TraceContext,
): Promise<Companion[]> {
  const rows = await store.query<Row & { other_id: string; orders: number }>(
    {
      sql: 'SELECT other_id, orders FROM bought_together WHERE product_id = ? ORDER BY orders DESC, other_id LIMIT ?',
      values: [productId, limit],
    },
    trace,
  );
  return rows.map((row) => ({ productId: row.other_id, orders: Number(row.orders) }));
}
