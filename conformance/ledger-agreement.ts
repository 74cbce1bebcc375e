import { expect } from 'chai';
import type { Buyer } from './buyer.js';
import { type Acknowledged, ordersOf } from './careful-buyer.js';
import type { Ledger } from './witnesses.js';

/**
 * Compares what the card processor wrote down with what the shop says, to the cent: each shipped order was paid once, no
 * other cost anything, no money is still held, and nobody was charged for an order that does not exist.
 */
export async function expectAgreement(ledger: Ledger, acknowledged: readonly Acknowledged[]): Promise<void> {
  const orders = new Map<string, { state: string; total: { units: string; nanos: number } }>();
  for (const buyer of new Set<Buyer>(acknowledged.map((order) => order.buyer))) {
    for await (const order of ordersOf(buyer)) orders.set(order.id, order);
  }
  for (const { id } of acknowledged) expect(orders.has(id), `${id} was acknowledged`).to.equal(true);
  for (const [id, order] of orders) {
    const paid = order.state === 'ORDER_STATE_SHIPPED';
    const total = BigInt(order.total.units) * 100n + BigInt(order.total.nanos) / 10_000_000n;
    expect(ledger.capturedCents(id) - ledger.refundedCents(id), `${id} ${order.state}`).to.equal(
      paid ? total : 0n,
    );
    expect(ledger.captures(id), `captures of ${id}`).to.equal(paid ? 1 : 0);
    expect(ledger.openCents(id), `${id} holds the buyer's money`).to.equal(0n);
  }
  for (const reference of ledger.references())
    expect(orders.has(reference), `ledger has ${reference}`).to.equal(true);
}
