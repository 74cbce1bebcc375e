import type { BoughtLine } from '../workload/shop-client.js';
import type { Evidence, Violation } from './evidence.js';

/**
 * I4: pieces are neither made nor lost, what is sold is what shipped orders hold, nothing stays reserved. I7 for the cart:
 * what a buyer put in was ordered or is still there, each piece once.
 */
export function checkStock({ orders, stock, stockBefore, purchases, carts }: Evidence): Violation[] {
  const violations: Violation[] = [];
  const found = (invariant: string, subject: string, message: string) =>
    violations.push({ invariant, subject, message });
  const sold = countOf(orders.filter(({ state }) => state === 'SHIPPED').flatMap(({ lines }) => lines));
  for (const { productId, available, reserved, committed } of stock) {
    const before = stockBefore.get(productId) ?? 0;
    const sum = available + reserved + committed;
    if (sum !== before) found('I4', productId, `${sum} pieces are accounted for, of ${before}`);
    if (available < 0) found('I4', productId, `${available} pieces are available`);
    if (reserved !== 0) found('I4', productId, `${reserved} pieces stay reserved`);
    const shipped = sold.get(productId) ?? 0;
    if (committed !== shipped) found('I4', productId, `${committed} pieces are sold, and ${shipped} shipped`);
  }
  const users = new Set(purchases.map(({ user }) => user));
  for (const user of users) {
    const own = purchases.filter((purchase) => purchase.user === user);
    // Where the buyer does not know whether an order was made, what is in the cart says nothing.
    if (own.some(({ orderId, refused }) => orderId === undefined && refused === undefined)) continue;
    const put = countOf(own.flatMap(({ wanted }) => wanted));
    const ordered = countOf(orders.filter((order) => order.user === user).flatMap(({ lines }) => lines));
    const left = countOf(carts.get(user) ?? []);
    for (const [productId, pieces] of put) {
      const there = (ordered.get(productId) ?? 0) + (left.get(productId) ?? 0);
      if (there !== pieces)
        found(
          'I7',
          `${user} ${productId}`,
          `${pieces} were put into the cart, ${there} were ordered or are left`,
        );
    }
  }
  return violations;
}

function countOf(lines: readonly BoughtLine[]): Map<string, number> {
  const count = new Map<string, number>();
  for (const { productId, quantity } of lines) count.set(productId, (count.get(productId) ?? 0) + quantity);
  return count;
}
