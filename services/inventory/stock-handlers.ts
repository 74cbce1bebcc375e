import { timestampOf } from '../../mesh/contract/timestamp.js';
import type { Handlers } from '../../mesh/rpc/definition.js';
import type { ServicePorts } from '../../mesh/runtime/service.js';
import { decideAgain } from '../../mesh/store/decide-again.js';
import { answerOnce } from '../../mesh/store/idempotent.js';
import type { Store } from '../../mesh/store/store.js';
import type { TraceContext } from '../../mesh/telemetry/trace-context.js';
import {
  type InventoryServiceDefinition,
  RestockResponse,
} from '../../proto/gen/meshmart/inventory/v1/inventory.js';
import { StockRestocked } from '../../proto/gen/meshmart/inventory/v1/inventory_events.js';
import { productNotStocked } from './reservation.js';
import { type StockRow, stockOf } from './stock.js';

type Stocking = Pick<Handlers<typeof InventoryServiceDefinition>, 'getStock' | 'batchGetStock' | 'restock'>;

/** Reading the stock, and adding to it. */
export function stockHandlers({ store, clock }: Pick<ServicePorts, 'store' | 'clock'>): Stocking {
  return {
    getStock: async ({ productId }, { trace }) => ({
      stock: stockOf(await findStock(store, productId, trace)),
    }),

    batchGetStock: async ({ productIds }, { trace }) => {
      const distinct = [...new Set(productIds)];
      const rows = await store.query<StockRow>(
        {
          sql: `SELECT * FROM stock WHERE product_id IN (${distinct.map(() => '?').join(', ')})`,
          values: distinct,
        },
        trace,
      );
      const byId = new Map(rows.map((row) => [row.product_id, row]));
      return { stocks: distinct.flatMap((productId) => byId.get(productId) ?? []).map(stockOf) };
    },

    restock: ({ productId, quantity }, context) =>
      decideAgain(`the stock of '${productId}'`, () =>
        answerOnce({
          store,
          context,
          codec: RestockResponse,
          work: async () => {
            const before = await findStock(store, productId, context.trace);
            const after = { ...before, available: before.available + quantity };
            return {
              response: { stock: stockOf(after) },
              batch: {
                statements: [
                  {
                    // The answer tells all three figures, so none of them may have changed since they were read.
                    sql: `UPDATE stock SET available = ? WHERE product_id = ? AND available = ? AND reserved = ? AND committed = ?`,
                    values: [after.available, productId, before.available, before.reserved, before.committed],
                    changes: 1,
                    guard: 'stock',
                  },
                ],
                outbox: [
                  {
                    type: 'meshmart.inventory.v1.StockRestocked',
                    key: productId,
                    data: StockRestocked.encode({
                      productId,
                      quantity,
                      occurredAt: timestampOf(clock.nowMs()),
                    }).finish(),
                  },
                ],
                trace: context.trace,
              },
            };
          },
        }),
      ),
  };
}

async function findStock(store: Store, productId: string, trace: TraceContext): Promise<StockRow> {
  const [row] = await store.query<StockRow>(
    { sql: 'SELECT * FROM stock WHERE product_id = ?', values: [productId] },
    trace,
  );
  if (row === undefined) throw productNotStocked([productId]);
  return row;
}
