import type { Evidence, Violation } from './evidence.js';

/** I4 for a rush on few pieces: as many winners as there were pieces, each with one, and every buyer knows. */
export function checkSale({ sale, purchases, orders }: Evidence): Violation[] {
  if (sale === undefined) return [];
  const { productId, pieces, keys } = sale;
  const violations: Violation[] = [];
  const byId = new Map(orders.map((order) => [order.id, order]));
  const came = purchases.filter(({ key }) => keys.has(key));
  const won = came.flatMap(({ orderId }) => {
    const order = byId.get(orderId ?? '');
    return order?.state === 'SHIPPED' ? [order] : [];
  });
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
