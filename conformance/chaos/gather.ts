import type { StockFigure } from '../invariants/evidence.js';
import type { BoughtLine, OrderView } from '../workload/shop-client.js';
import type { ChaosBuyer } from './buyers.js';
import type { PublicReads } from './evidence-folder.js';
import { patiently } from './patiently.js';

/** Reads that are under way at the same time. */
const atOnce = 16;

/**
 * Asks the public API for every order of every buyer, for the carts of those who buy again, and for the stock.
 * @param carted those whose carts are read: the rest is half a minute of calls on two cores.
 */
export async function gatherPublicReads(
  shopUrl: string,
  buyers: readonly ChaosBuyer[],
  carted: readonly ChaosBuyer[],
  products: readonly string[],
  stockBefore: ReadonlyMap<string, number>,
): Promise<PublicReads> {
  const orders: (OrderView & { user: string })[] = [];
  const carts: Record<string, readonly BoughtLine[]> = {};
  await each(carted, async ({ user, client }) => {
    carts[user] = await patiently('a cart', () => client.cart());
  });
  await each(buyers, async ({ user, client }) => {
    const own = await patiently("a buyer's orders", () => client.orders());
    orders.push(...own.map((order) => ({ ...order, user })));
  });
  return {
    orders,
    carts,
    stockBefore: Object.fromEntries(stockBefore),
    stock: await stockOf(shopUrl, products),
  };
}

/** What inventory tells of each product. @throws Error when it does not. */
export async function stockOf(shopUrl: string, products: readonly string[]): Promise<StockFigure[]> {
  const figures: StockFigure[] = [];
  await each(products, async (productId) => {
    figures.push(await patiently(`the stock of ${productId}`, () => figureOf(shopUrl, productId)));
  });
  return figures;
}

async function figureOf(shopUrl: string, productId: string): Promise<StockFigure> {
  const answer = await fetch(`${shopUrl}/v1/products/${productId}/stock`, {
    signal: AbortSignal.timeout(5_000),
  });
  if (!answer.ok) throw new Error(`it is not told: ${answer.status}`);
  const { stock } = (await answer.json()) as { stock: Record<string, unknown> };
  const count = (name: string) => Number(stock[name] ?? 0);
  return {
    productId,
    available: count('available'),
    reserved: count('reserved'),
    committed: count('committed'),
  };
}

async function each<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async () => {
    for (;;) {
      const item = items[next];
      next += 1;
      if (item === undefined) return;
      await work(item);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}
