import { readFileSync } from 'node:fs';
import { type Buyer, expectStatus, fillCart, newBuyer, request } from '../../conformance/buyer.js';
import { type ShopProcess, startShop } from '../../conformance/shop-process.js';
import { machineHttp } from '../../mesh/runtime/outgoing-http.js';
import { freePort } from '../../mesh/testing/free-port.js';
import { temporaryFolder } from '../../mesh/testing/temporary-folder.js';

/** A shop that was started for a measurement, and how long that took. */
export interface MeasuredShop {
  readonly shop: ShopProcess;
  /** From starting the process until `/readyz` is 200, in milliseconds. */
  readonly readyAfterMs: number;
  end(): Promise<void>;
}

/** Starts a shop on an empty data folder. */
export async function startMeasured(
  environment: Readonly<Record<string, string>> = {},
): Promise<MeasuredShop> {
  const folder = temporaryFolder();
  const ports = { http: await freePort(), grpc: await freePort(), admin: await freePort() };
  const startedMs = performance.now();
  const shop = await startShop({ dataFolder: folder.path, ports, environment });
  const readyAfterMs = performance.now() - startedMs;
  return {
    shop,
    readyAfterMs,
    end: async () => {
      await shop.stop();
      folder.remove();
    },
  };
}

/** Resident memory of a process, in MiB, as the kernel counts it. */
export function residentMiB(pid: number): number {
  const match = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  if (match === null) throw new Error(`the kernel does not tell the memory of process ${pid}`);
  return Number(match[1]) / 1_024;
}

/** A buyer with a card, who can buy again and again. */
export interface Purchaser {
  /** Puts one piece into the cart and orders it; gives how long the order took, in milliseconds. */
  buy(): Promise<number>;
}

/** Buyers share the processors with the shop: what they cost must be little. */
const http = machineHttp();

async function post(
  shopUrl: string,
  path: string,
  buyer: Buyer,
  key: string,
  body: object,
  expected: number,
) {
  const answer = await http({
    method: 'POST',
    url: new URL(path, shopUrl),
    headers: {
      authorization: `Bearer ${buyer.token}`,
      'content-type': 'application/json',
      'idempotency-key': key,
    },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(10_000),
  });
  if (answer.status !== expected)
    throw new Error(`expected ${expected}, got ${answer.status}: ${answer.body}`);
}

/** Registers a buyer. @throws Error from `buy` when an order is not confirmed at once: such a run is no measurement. */
export async function newPurchaser(shopUrl: string): Promise<Purchaser> {
  const buyer: Buyer = await newBuyer(shopUrl);
  const { body } = await request(shopUrl, 'GET', '/v1/products?pageSize=100');
  const products: { id: string }[] = body.products;
  const { paymentToken, ...order } = await fillCart(buyer, products[0]?.id ?? '');
  await expectStatus(buyer.call('DELETE', '/v1/cart'), 200);
  let bought = 0;
  return {
    buy: async () => {
      bought += 1;
      const productId = products[bought % products.length]?.id;
      const key = `bench-${buyer.email}-${bought}`;
      await post(shopUrl, '/v1/cart/items', buyer, `${key}-cart`, { productId, quantity: 1 }, 200);
      const startedMs = performance.now();
      await post(shopUrl, '/v1/orders', buyer, key, { paymentToken, ...order }, 201);
      return performance.now() - startedMs;
    },
  };
}
