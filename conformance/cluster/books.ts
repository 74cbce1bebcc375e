import { eventually } from '../../mesh/testing/eventually.js';
import type { LedgerEntry } from '../../witnesses/card-processor/ledger.js';
import type { ChaosBuyer } from '../chaos/buyers.js';
import { patiently } from '../chaos/patiently.js';
import { checkAnswers } from '../invariants/answers.js';
import type { Violation } from '../invariants/evidence.js';
import { checkMoney } from '../invariants/money.js';
import { checkOrders } from '../invariants/orders.js';
import type { Purchase } from '../workload/history.js';
import { finalStates } from '../workload/shop-client.js';
import { podOf, probe } from './pods.js';

/**
 * Notes what is in the books of the shop and of the card processor already. @returns what waits until every order of the buyers has
 * come to its end, and judges what has been added since by what the buyers saw.
 */
export async function watchBooks(
  buyers: readonly ChaosBuyer[],
): Promise<(purchases: readonly Purchase[]) => Promise<readonly Violation[]>> {
  const known = new Set((await ordersOf(buyers)).map(({ id }) => id));
  const ledgerNow = () => patiently('the ledger', ledger);
  const entriesBefore = (await ledgerNow()).length;
  return async (purchases) => {
    const orders = await eventually(
      async () => {
        const all = await ordersOf(buyers);
        const open = all.filter(({ state }) => !finalStates.includes(state));
        if (open.length > 0) throw new Error(`${open.length} orders are not final, such as ${open[0]?.id}`);
        return all;
      },
      { withinMs: 60_000, everyMs: 1_000, what: 'every order to come to its end' },
    );
    const evidence = {
      purchases,
      orders: orders.filter(({ id }) => !known.has(id)),
      ledger: (await ledgerNow()).slice(entriesBefore),
      carts: new Map(),
      mails: [],
      stock: [],
      stockBefore: new Map(),
    };
    return [...checkOrders(evidence), ...checkMoney(evidence), ...checkAnswers(evidence)];
  };
}

async function ordersOf(buyers: readonly ChaosBuyer[]) {
  const found = await Promise.all(
    buyers.map(async ({ user, client }) => {
      const orders = await patiently("a buyer's orders", () => client.orders());
      return orders.map((order) => ({ ...order, user }));
    }),
  );
  return found.flat();
}

/** The card processor's own book, asked from within its pod: nobody else may. */
async function ledger(): Promise<LedgerEntry[]> {
  const pod = await podOf('card-processor');
  const [page] = await probe<{ body: string }[]>(pod.metadata.name, 'card-processor', 'read-http', {
    urls: ['http://127.0.0.1:8090/v1/ledger'],
    withinMs: 5_000,
  });
  return (JSON.parse(page?.body ?? '') as { entries: LedgerEntry[] }).entries;
}
