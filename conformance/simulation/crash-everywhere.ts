import { seededRandom } from '../../mesh/sim/seeded-random.js';
import type { SimulatedProcess } from '../../mesh/sim/simulated-process.js';
import { checkEvidence } from '../invariants/check-evidence.js';
import type { Violation } from '../invariants/evidence.js';
import type { Purchase } from '../workload/history.js';
import { buy } from '../workload/purchase.js';
import { openAccounts } from './accounts.js';
import { gatherEvidence } from './gather-evidence.js';
import { frontDoor, stockFigures } from './simulated-client.js';
import { type ShopCode, simulatedShop } from './simulated-shop.js';

/** What crashing at each await came to. */
export interface CrashesEverywhere {
  /** Awaits at which a process was killed: one purchase each. */
  readonly crashes: number;
  /** How many of them hit each service. */
  readonly byService: Readonly<Record<string, number>>;
  readonly violations: readonly Violation[];
}

/** More awaits than any purchase has. */
const mostAwaits = 2_000;
const restartAfterMs = 50;
/** What a purchase sets off goes on for a while after its buyer has seen the end: mails, the cart, the outbox. */
const afterwardsMs = 3_000;

/**
 * Buys again and again, and kills a process each time at another await: in the first purchase the process that goes on
 * first, in the second the one that goes on second, and so on until a purchase and all that it sets off has fewer awaits
 * than that. No other faults.
 */
export async function crashEverywhere(code: ShopCode, seed: number): Promise<CrashesEverywhere> {
  let untilCrash = Number.POSITIVE_INFINITY;
  const byService: Record<string, number> = {};
  const shop = simulatedShop({
    code,
    seed,
    processes: {},
    processorMode: 'honour',
    keepTrace: false,
    settings: {},
    onResume: (process: SimulatedProcess) => {
      untilCrash -= 1;
      if (untilCrash !== 0) return;
      byService[process.service] = (byService[process.service] ?? 0) + 1;
      process.kill();
      shop.schedule.after(restartAfterMs, process.start);
    },
  });
  const { schedule } = shop;
  try {
    for (const process of shop.processes) process.start();
    await schedule.run({ untilMs: 60_000, done: shop.ready });
    const door = frontDoor(shop);
    const { products } = code;
    const before = await schedule.complete(stockFigures(door, products));
    const buyers = await schedule.complete(openAccounts(shop, door, 1));
    const [buyer] = buyers;
    if (buyer === undefined) throw new Error('there is no buyer');
    const purchases: Purchase[] = [];
    let crashes = 0;
    for (let at = 1; at <= mostAwaits; at += 1) {
      untilCrash = at;
      const { ambient } = door.life;
      await schedule.complete(
        buy(
          {
            user: buyer.user,
            client: buyer.client,
            clock: ambient.clock,
            timers: ambient.timers,
            // Each purchase is the same but for its crash.
            random: seededRandom(`${seed}/purchase`),
            products: products.slice(0, 2),
            cardToken: () => buyer.good,
            doubleClicks: 0,
            cancellations: 0,
            patienceMs: 60_000,
          },
          `purchase-${at}`,
          purchases,
        ),
      );
      await schedule.run({ untilMs: schedule.nowMs() + afterwardsMs, done: () => false });
      if (untilCrash > 0) break;
      crashes += 1;
    }
    untilCrash = Number.POSITIVE_INFINITY;
    await schedule.run({ untilMs: schedule.nowMs() + 120_000, done: () => false });
    const stockBefore = new Map(before.map(({ productId, available }) => [productId, available]));
    const evidence = await schedule.complete(
      gatherEvidence({ shop, door, buyers, purchases, products, stockBefore }),
    );
    return { crashes, byService, violations: checkEvidence(evidence) };
  } finally {
    await shop.close();
  }
}
