import type { Evidence } from '../invariants/evidence.js';
import type { Purchase } from '../workload/history.js';
import type { BoughtLine, OrderView } from '../workload/shop-client.js';
import type { Account } from './accounts.js';
import { poisonType } from './nemesis.js';
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
  /** Ids of the messages that were published although nobody can handle them. */
  readonly poison?: readonly string[];
}

/** Asks the public API, the card processor, the mail server and the bus for all that the verdict needs. */
export async function gatherEvidence(sources: EvidenceSources): Promise<Evidence> {
  const { shop, door, purchases, stockBefore, poison = [] } = sources;
  const carts = new Map<string, readonly BoughtLine[]>();
  const orders: (OrderView & { user: string })[] = [];
  for (const { user, client } of sources.buyers) {
    carts.set(user, await client.cart());
    orders.push(...(await client.orders()).map((order) => ({ ...order, user })));
  }
  const trespasses: string[] = [];
  for (const { user, client } of sources.buyers) {
    const other = orders.find((order) => order.user !== user);
    if (other === undefined) continue;
    await client.order(other.id).then(
      () => trespasses.push(other.id),
      () => undefined,
    );
  }
  const stock = await stockFigures(door, sources.products);
  const consumers = shop.code.shop.manifests
    .filter(({ consumes }) => consumes[poisonType.topic]?.includes(poisonType.type))
    .map(({ name }) => name);
  const buried = shop.broker
    .deadLetters()
    .map(({ group, message }) => ({ messageId: message.id, consumer: group }));
  return {
    purchases,
    orders,
    carts,
    ledger: shop.processor.entries,
    mails: shop.mails,
    stockBefore,
    stock,
    trespasses,
    poison: { published: poison, consumers, buried },
  };
}
