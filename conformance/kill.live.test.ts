import { expect } from 'chai';
import { eventually } from '../mesh/testing/eventually.js';
import { freePort } from '../mesh/testing/free-port.js';
import { seededRandom } from '../mesh/testing/seeded-random.js';
import { type TemporaryFolder, temporaryFolder } from '../mesh/testing/temporary-folder.js';
import { type Answer, type Buyer, fillCart, newBuyer, request } from './buyer.js';
import { type ShopProcess, startShop } from './shop-process.js';
import { type Ledger, startWitnesses, type Witnesses } from './witnesses.js';

const purchases = 500;
const kills = 50;
const buyersAtOnce = 5;
const seed = Number(process.env['KILL_SEED'] ?? 20261123);

/** An order that the shop acknowledged: 201 or 202 came back. */
interface Acknowledged {
  readonly buyer: Buyer;
  readonly id: string;
}

const final = ['ORDER_STATE_SHIPPED', 'ORDER_STATE_REJECTED', 'ORDER_STATE_CANCELLED'];

describe(`kill -9 of the shop at ${kills} random moments during ${purchases} purchases (seed ${seed})`, function () {
  this.timeout(15 * 60_000);
  let folder: TemporaryFolder;
  let witnesses: Witnesses;
  let shop: ShopProcess;
  let ports: { http: number; grpc: number; admin: number };
  const acknowledged: Acknowledged[] = [];
  let killed = 0;

  const start = () =>
    startShop({
      dataFolder: folder.path,
      ports,
      environment: { CARD_PROCESSOR_URL: witnesses.cardProcessorUrl, SMTP_URL: witnesses.smtpUrl },
    });

  before(async () => {
    folder = temporaryFolder();
    ports = { http: await freePort(), grpc: await freePort(), admin: await freePort() };
    witnesses = await startWitnesses(folder.path);
    shop = await start();
  });
  after(async () => {
    await shop?.stop();
    await witnesses?.stop();
    folder?.remove();
  });

  it('loses no acknowledged order', async () => {
    const random = seededRandom(seed);
    const buyers: Buyer[] = [];
    for (let n = 0; n < buyersAtOnce; n += 1) buyers.push(await newBuyer(shop.httpUrl));
    const products: { id: string }[] = (await request(shop.httpUrl, 'GET', '/v1/products?pageSize=50')).body
      .products;

    let bought = 0;
    const buyAll = buyers.map(async (buyer) => {
      while (bought < purchases) {
        const number = bought;
        bought += 1;
        const product = products[Math.floor(random.next() * products.length)] as { id: string };
        acknowledged.push(await buy(buyer, product.id, `purchase-${number}`));
      }
    });
    const killAll = (async () => {
      // A kill comes after a random number of further purchases, then at a random moment within the next.
      for (killed = 0; killed < kills; killed += 1) {
        const due = (killed * purchases) / kills;
        await eventually(
          async () => expect(acknowledged.length).to.be.at.least(Math.min(due, purchases - 10)),
          {
            withinMs: 120_000,
            everyMs: 5,
          },
        );
        await new Promise((resolve) => setTimeout(resolve, random.next() * 100));
        await shop.kill();
        shop = await start();
      }
    })();
    await Promise.all([...buyAll, killAll]);
    expect(acknowledged).to.have.length(purchases);
    expect(killed).to.equal(kills);

    await eventually(
      async () => {
        for (const order of acknowledged) {
          const { status, body } = await order.buyer.call('GET', `/v1/orders/${order.id}`);
          expect(status, order.id).to.equal(200);
          expect(final, `${order.id} is ${body.order.state}`).to.include(body.order.state);
        }
      },
      { withinMs: 60_000, everyMs: 500 },
    );
  });

  it("leaves the card processor's ledger in agreement with the orders, to the cent", async () => {
    const ledger: Ledger = await witnesses.ledger();
    const orders = new Map<string, { state: string; total: { units: string; nanos: number } }>();
    for (const buyer of new Set(acknowledged.map((order) => order.buyer))) {
      for await (const order of ordersOf(buyer)) orders.set(order.id, order);
    }
    for (const { id } of acknowledged) expect(orders.has(id), id).to.equal(true);
    for (const [id, order] of orders) {
      const paid = order.state === 'ORDER_STATE_SHIPPED';
      const total = BigInt(order.total.units) * 100n + BigInt(order.total.nanos) / 10_000_000n;
      expect(ledger.capturedCents(id) - ledger.refundedCents(id), `${id} ${order.state}`).to.equal(
        paid ? total : 0n,
      );
      expect(ledger.captures(id), `captures of ${id}`).to.equal(paid ? 1 : 0);
      expect(ledger.openCents(id), `${id} holds the buyer's money`).to.equal(0n);
    }
    // And nobody was charged for an order that does not exist.
    for (const reference of ledger.references())
      expect(orders.has(reference), `ledger has ${reference}`).to.equal(true);
  });

  /** Buys one thing; repeats with the same key until the shop says what became of it, as a careful client does. */
  async function buy(buyer: Buyer, productId: string, key: string): Promise<Acknowledged> {
    const order = await untilAnswered(() => fillCart(buyer, productId));
    for (;;) {
      const answer = await untilAnswered(async () =>
        buyer.call('POST', '/v1/orders', order, { 'idempotency-key': key }),
      );
      if (answer.status === 201 || answer.status === 202) return { buyer, id: answer.body.order.id };
      if (answer.body?.reason === 'CART_EMPTY' || answer.body?.reason === 'PRICE_CHANGED') {
        await untilAnswered(() => fillCart(buyer, productId));
        continue;
      }
      if (answer.status < 500 && answer.status !== 429)
        throw new Error(`${key}: ${answer.status} ${answer.text}`);
    }
  }
});

/** Repeats until it gets through: the shop is being killed and started again meanwhile. */
async function untilAnswered<T>(attempt: () => Promise<T>): Promise<T> {
  return eventually(attempt, { withinMs: 60_000, everyMs: 50 });
}

async function* ordersOf(buyer: Buyer) {
  let pageToken = '';
  do {
    const page: Answer = await buyer.call(
      'GET',
      `/v1/orders?pageSize=100&pageToken=${encodeURIComponent(pageToken)}`,
    );
    expect(page.status, page.text).to.equal(200);
    yield* page.body.orders;
    pageToken = page.body.nextPageToken;
  } while (pageToken !== '');
}
