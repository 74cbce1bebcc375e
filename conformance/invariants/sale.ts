import type { Evidence, Violation } from './evidence.js';

/** Buyers who came for a sale, and the orders of those who won. */
export function saleOutcome({ sale, purchases, orders }: Pick<Evidence, 'sale' | 'purchases' | 'orders'>) {
  const byId = new Map(orders.map((order) => [order.id, order]));
  const came = purchases.filter(({ key }) => sale?.keys.has(key) === true);
  const won = came.flatMap(({ orderId }) => {
    const order = byId.get(orderId ?? '');
    return order?.state === 'SHIPPED' ? [order] : [];
  });
  return { came, won };
}

/** I4 for a rush on few pieces: as many winners as there were pieces, each with one, and every buyer knows. */
export function checkSale(evidence: Evidence): Violation[] {
  if (evidence.sale === undefined) return [];
  const { productId, pieces } = evidence.sale;
  const violations: Violation[] = [];
  const { came, won } = saleOutcome(evidence);
  const wanted = Math.min(pieces, came.length);
  if (won.length !== wanted)
    violations.push({
      invariant: 'I4',
      subject: productId,
      message: `${won.length} of ${came.length} buyers won, of ${pieces} pieces`,
    });
  for (const { id, lines } of won) {
    const got = lines.reduce((sum, line) => sum + (line.productId === productId ? line.quantity : 0), 0);
    if (got !== 1)
      violations.push({ invariant: 'I4', subject: id, message: `won ${got} pieces instead of 1` });
  }
  return violations;
}
