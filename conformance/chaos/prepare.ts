import type { Ambient } from '../../mesh/runtime/ports.js';
import type { SeededRandom } from '../../mesh/sim/seeded-random.js';
import { expectStatus, newBuyer, request } from '../buyer.js';
import type { Purchase } from '../workload/history.js';
import { buy } from '../workload/purchase.js';
import { type RestAccess, restClient } from '../workload/rest-client.js';
import { finalStates } from '../workload/shop-client.js';
import type { ChaosBuyer } from './buyers.js';
import { stockOf } from './gather.js';
import type { MadePurchase } from './load.js';
import { patiently } from './patiently.js';

/** Pieces that the flash sale is about. */
export const salePieces = 10;

/** What is known before the first fault. */
export interface Prepared {
  readonly products: readonly string[];
  readonly stockBefore: ReadonlyMap<string, number>;
  /** Has {@link salePieces} pieces, and nobody buys it but those who come for the sale. */
  readonly saleProduct: string;
  /** A registered account, whose order the traffic probe asks for. */
  readonly owner: ChaosBuyer;
  readonly orderId: string;
  readonly purchase: MadePurchase;
}

export interface PrepareOptions extends RestAccess {
  readonly ambient: Ambient;
  readonly random: SeededRandom;
}

/** Registers one account, and has it buy the scarcest product down to what the sale is about. */
export async function prepare({
  shopUrl,
  ambient,
  random,
  answerWithinMs,
  http,
}: PrepareOptions): Promise<Prepared> {
  const page = await patiently('the products', () =>
    expectStatus(request(shopUrl, 'GET', '/v1/products?pageSize=100'), 200),
  );
  const products = (page.body.products as { id: string }[]).map(({ id }) => id);
  const stock = await stockOf(shopUrl, products);
  const [scarcest] = stock
    .filter(({ available }) => available > salePieces)
    .sort((left, right) => left.available - right.available);
  if (scarcest === undefined) throw new Error(`no product has more than ${salePieces} pieces`);
  const saleProduct = scarcest.productId;

  const { token } = await patiently('an account', () => newBuyer(shopUrl));
  const client = restClient({ shopUrl, answerWithinMs, http, token });
  const good = await patiently('the token of a card', () => client.tokenize('4242424242424242'));
  const owner: ChaosBuyer = { user: 'owner', token, client, good, other: good };
  const history: Purchase[] = [];
  const arrivedMs = ambient.clock.monotonicMs();
  await buy(
    {
      user: owner.user,
      client,
      ...ambient,
      random,
      products,
      wanted: [{ productId: saleProduct, quantity: scarcest.available - salePieces }],
      cardToken: () => good,
      doubleClicks: 0,
      cancellations: 0,
      lookEveryMs: 200,
      patienceMs: 20_000,
    },
    'before-the-sale',
    history,
  );
  const [purchase] = history;
  const { orderId } = purchase ?? {};
  if (purchase === undefined || orderId === undefined || !finalStates.includes(purchase.last?.state ?? ''))
    throw new Error(`the shop does not sell before anything was done to it: ${JSON.stringify(purchase)}`);
  return {
    products,
    stockBefore: new Map(stock.map(({ productId, available }) => [productId, available])),
    saleProduct,
    owner,
    orderId,
    purchase: { purchase, client, arrivedMs, sale: false },
  };
}
