import { randomUUID } from 'node:crypto';
import { machineAmbient } from '../../mesh/runtime/ambient.js';
import { machineHttp } from '../../mesh/runtime/outgoing-http.js';
import { signingKeyOf } from '../../mesh/security/token.js';
import { seededRandom } from '../../mesh/sim/seeded-random.js';
import { eventually } from '../../mesh/testing/eventually.js';
import { initialStock } from '../../services/inventory/initial-stock.js';
import { type ChaosBuyer, openBuyers } from '../chaos/buyers.js';
import { type Arrival, openLoop } from '../chaos/open-loop.js';
import type { Violation } from '../invariants/evidence.js';
import type { Purchase } from '../workload/history.js';
import { buy } from '../workload/purchase.js';
import { recordedClient } from '../workload/recorded-client.js';
import { watchBooks } from './books.js';
import { findEdge } from './edge.js';
import { failuresOf } from './failures.js';
import { get, namespace } from './pods.js';
import type { Request } from './request.js';

/** Customers who come at their time, whatever became of those before them. */
export interface ShopLoad {
  /** Every request that has ended, since the load began. */
  readonly requests: readonly Request[];
  readonly purchases: readonly Purchase[];
  nowMs(): number;
  /** Waits until so many requests that began after `sinceMs` have gone well in a row. */
  untilWell(sinceMs: number, inARow: number, withinMs: number): Promise<void>;
  /** Waits until every request that began before `momentMs` has ended: nobody waits longer for an answer than five seconds. */
  untilEnded(momentMs: number): Promise<void>;
  /** No more customers; waits until every order has come to its end, and judges. Call it once. */
  end(): Promise<readonly Violation[]>;
}

/** What comes in a second; two cores do it with the ten services, their sidecars and the servers beside a rolling update. */
export const rates = { readsPerSecond: 10, purchasesPerSecond: 1 } as const;
const longestMs = 15 * 60_000;
const answerWithinMs = 5_000;
const patienceMs = 90_000;
const buyerCount = 60;

/** Nobody shall be refused because there are too few. */
const products = Object.keys(initialStock).filter((product) => (initialStock[product] ?? 0) >= 1_000);

/** One read of each service that customers reach. */
const reads = [
  '/v1/products?pageSize=10',
  '/v1/products/prd_linen-lamp',
  '/v1/products:search?q=lamp',
  '/v1/products/prd_linen-lamp/stock',
  '/v1/products/prd_linen-lamp/recommendations',
  '/v1/shipping/quotes?country=DE',
  '/v1/cart',
  '/v1/orders?pageSize=5',
  '/v1/notifications?pageSize=5',
  '/.well-known/jwks.json',
] as const;

/** Opens accounts and begins. What its users ordered in a load before is left out of the verdict. */
export async function startShopLoad(): Promise<ShopLoad> {
  const ambient = machineAmbient();
  const { clock, timers } = ambient;
  const { httpUrl: shopUrl } = await findEdge();
  const http = machineHttp();
  const random = seededRandom(randomUUID());
  const seed = await signingSeed();
  const { regulars } = await openBuyers({
    ...{ shopUrl, answerWithinMs, http, ambient, random },
    regulars: buyerCount,
    bargainHunters: 0,
    signingKey: signingKeyOf(seed),
    // Mails are no witness here, so nobody needs the addresses.
    publish: () => Promise.resolve(),
  });
  const judge = await watchBooks(regulars);

  const requests: Request[] = [];
  const purchases: Purchase[] = [];
  const over = new AbortController();
  const free = [...regulars];
  const read = async (path: string, buyer: ChaosBuyer) => {
    const startedMs = clock.monotonicMs();
    const seen = await fetch(new URL(path, shopUrl), {
      headers: { authorization: `Bearer ${buyer.token}` },
      signal: AbortSignal.timeout(answerWithinMs),
    }).then(
      async (answer) => {
        const body = await answer.text();
        const problem = answer.status < 400 ? undefined : `${answer.status} ${reasonIn(body)}`;
        return { problem, degraded: answer.headers.get('x-degraded') ?? undefined };
      },
      (error: Error) => ({
        problem: `no answer: ${error.name} ${(error.cause as Error | undefined)?.message ?? error.message}`,
        degraded: undefined,
      }),
    );
    requests.push({ what: `GET ${path.split('?')[0]}`, startedMs, endedMs: clock.monotonicMs(), ...seen });
  };
  const shop = async (key: string) => {
    const buyer = free.shift();
    // All are waiting for what they ordered: who comes now goes again, and that is told.
    if (buyer === undefined) {
      const nowMs = clock.monotonicMs();
      requests.push({
        what: 'purchase',
        startedMs: nowMs,
        endedMs: nowMs,
        problem: 'no buyer is free',
        degraded: undefined,
      });
      return;
    }
    const client = recordedClient(
      buyer.client,
      buyer.user,
      clock,
      ({ call, startedMs, endedMs, outcome, reason }) =>
        requests.push({
          what: call,
          startedMs,
          endedMs,
          problem: outcome === 'ok' ? undefined : reason,
          degraded: undefined,
        }),
    );
    await buy(
      {
        ...{ user: buyer.user, client, clock, timers, products, patienceMs },
        random: random.fork(key),
        wanted: [{ productId: random.pick(products), quantity: 1 }],
        cardToken: () => buyer.good,
        // Two calls at once may be told of a conflict: here every failure shall be the shop's own. Keys are used again all the same.
        doubleClicks: 0,
        cancellations: 0,
        longestRetryMs: 2_000,
      },
      key,
      purchases,
    ).catch(() => undefined);
    free.push(buyer);
  };
  const run = randomUUID();
  const arrivals: Arrival[] = [
    ...Array.from({ length: (longestMs / 1_000) * rates.readsPerSecond }, (_, index) => ({
      atMs: (index * 1_000) / rates.readsPerSecond,
      begin: () => read(reads[index % reads.length] as string, random.pick(regulars)),
    })),
    ...Array.from({ length: (longestMs / 1_000) * rates.purchasesPerSecond }, (_, index) => ({
      atMs: ((index + random.next()) * 1_000) / rates.purchasesPerSecond,
      begin: () => shop(`${run}-${index}`),
    })),
  ];
  const shopping = openLoop(arrivals, ambient, over.signal);

  return {
    requests,
    purchases,
    nowMs: () => clock.monotonicMs(),
    untilWell: async (sinceMs, inARow, withinMs) => {
      await eventually(
        () => {
          const since = requests.filter(({ startedMs }) => startedMs >= sinceMs);
          if (since.length < inARow) throw new Error(`only ${since.length} have ended`);
          const failures = failuresOf(since.slice(-inARow));
          if (failures.length > 0)
            throw new Error(`of the last ${inARow}: ${failures.slice(0, 6).join('; ')}`);
        },
        { withinMs, everyMs: 200, what: `${inARow} requests in a row to go well` },
      );
    },
    untilEnded: (momentMs) =>
      timers.sleep(Math.max(0, momentMs + answerWithinMs + 100 - clock.monotonicMs())),
    end: async () => {
      over.abort();
      await shopping;
      return judge(purchases);
    },
  };
}

async function signingSeed(): Promise<Uint8Array> {
  const { data } = await get<{ data: Record<string, string> }>(
    'secret',
    'users-secrets',
    '--namespace',
    namespace,
  );
  return Buffer.from(data['users-signing-key'] ?? '', 'base64');
}

function reasonIn(body: string): string {
  try {
    return String((JSON.parse(body) as { reason?: unknown }).reason ?? body.slice(0, 200));
  } catch {
    return body.slice(0, 200);
  }
}
