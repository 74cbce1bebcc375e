import { expect } from 'chai';
import { eventually } from '../mesh/testing/eventually.js';
import { type Answer, type Buyer, fillCart } from './buyer.js';

/** An order that the shop acknowledged: 201 or 202 came back. */
export interface Acknowledged {
  readonly buyer: Buyer;
  readonly id: string;
}

const final = ['ORDER_STATE_SHIPPED', 'ORDER_STATE_REJECTED', 'ORDER_STATE_CANCELLED'];

/** Whether nothing more will happen to an order by itself. */
export const isFinal = (state: string) => final.includes(state);

/** Buys one thing; repeats with the same key until the shop says what became of it, as a careful client does. */
export async function buyCarefully(buyer: Buyer, productId: string, key: string): Promise<Acknowledged> {
  let order = await untilAnswered(() => fillCart(buyer, productId));
  for (;;) {
    const answer = await untilAnswered(async () =>
      buyer.call('POST', '/v1/orders', order, { 'idempotency-key': key }),
    );
    if (answer.status === 201 || answer.status === 202) return { buyer, id: answer.body.order.id };
    if (answer.body?.reason === 'CART_EMPTY' || answer.body?.reason === 'PRICE_CHANGED') {
      order = await untilAnswered(() => fillCart(buyer, productId));
      continue;
    }
    if (answer.status < 500 && answer.status !== 429)
      throw new Error(`${key}: ${answer.status} ${answer.text}`);
  }
}

/** Waits until each of the orders has come to its end. */
export async function untilAllFinal(orders: readonly Acknowledged[], withinMs: number): Promise<void> {
  const open = new Set(orders);
  await eventually(
    async () => {
      for (const order of open) {
        const { status, body } = await order.buyer.call('GET', `/v1/orders/${order.id}`);
        expect(status, order.id).to.equal(200);
        expect(final, `${order.id} is ${body.order.state}`).to.include(body.order.state);
        open.delete(order);
      }
    },
    { withinMs, everyMs: 100, what: 'every order to be final' },
  );
}

/** All orders of one buyer, page by page. */
export async function* ordersOf(buyer: Buyer) {
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

/** Repeats until it gets through: parts of the shop are being killed and started again meanwhile. */
async function untilAnswered<T>(attempt: () => Promise<T>): Promise<T> {
  return eventually(attempt, { withinMs: 60_000, everyMs: 50 });
}
