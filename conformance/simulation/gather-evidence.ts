import type { Evidence } from '../invariants/evidence.js';
import type { Purchase } from '../workload/history.js';
import type { BoughtLine, OrderView } from '../workload/shop-client.js';
import type { Account } from './accounts.js';
import { type FrontDoor, stockFigures } from './simulated-client.js';
import type { SimulatedShop } from './simulated-shop.js';

/** Where the evidence of a run comes from. */
export interface EvidenceSources {
  readonly shop: SimulatedShop;
  readonly door: FrontDoor;
  readonly buyers: readonly Pick<Account, 'user' | 'client'>[];
  readonly purchases: readonly Purchase[];
  readonly products: readonly string[];
  readonly stockBefore: ReadonlyMap<string, number>;
}

/** Asks the public API, the card processor and the mail server for all that the verdict needs. */
export async function gatherEvidence(sources: EvidenceSources): Promise<Evidence> {
  const { shop, door, purchases, stockBefore } = sources;
  const carts = new Map<string, readonly BoughtLine[]>();
  const orders: (OrderView & { user: string })[] = [];
  for (const { user, client } of sources.buyers) {
    carts.set(user, await client.cart());
    orders.push(...(await client.orders()).map((order) => ({ ...order, user })));
  }
  const stock = await stockFigures(door, sources.products);
  return { purchases, orders, carts, ledger: shop.processor.entries, mails: shop.mails, stockBefore, stock };
}
