import type { Noise } from '../../mesh/sim/link-weather.js';
import { rebuildProjection } from '../../mesh/store/rebuild-projection.js';
import { checkEvidence } from '../invariants/check-evidence.js';
import type { Evidence, Violation } from '../invariants/evidence.js';
import type { Purchase } from '../workload/history.js';
import { buy } from '../workload/purchase.js';
import { openAccounts } from './accounts.js';
import { gatherEvidence } from './gather-evidence.js';
import { createNemesis, type FaultKind } from './nemesis.js';
import { everydayScene, type Scene } from './scene.js';
import type { Prefix } from './shortest-prefix.js';
import { frontDoor, stockFigures } from './simulated-client.js';
import { type ShopCode, type SimulatedShop, simulatedShop } from './simulated-shop.js';
import { spilledCards } from './spilled-cards.js';

/** One run: a seed, how many orders under how many faults. */
export interface SimulationOptions {
  readonly code: ShopCode;
  readonly seed: number;
  readonly orders: number;
  readonly faults: number;
  /** What buyers are like. Default: {@link everydayScene}. */
  readonly scene?: Scene;
  /** Only the beginning of the run: everything is drawn as in the whole one. Default: all of it. */
  readonly prefix?: Prefix | undefined;
  /** Whether the run keeps its trace for a timeline. */
  readonly keepTrace?: boolean;
  /** Looks into the shop at the end, before its disks are closed. */
  beforeClose?(shop: SimulatedShop): Promise<void>;
}

/** What a run came to. */
export interface SimulationResult {
  readonly seed: number;
  readonly traceHash: string;
  readonly orders: number;
  readonly faults: number;
  readonly violations: readonly Violation[];
  readonly faultsByKind: Readonly<Partial<Record<FaultKind, number>>>;
  /** Orders by their last state. */
  readonly states: Readonly<Record<string, number>>;
  /** Virtual milliseconds. */
  readonly lastedMs: number;
  readonly evidence: Evidence;
  readonly shop: SimulatedShop;
}

const buyersAtOnce = 25;
/** After healing everything must come to its end within this virtual time. */
const settleMs = 180_000;
/** How long the last faults go on before everything is healed. */
const lastFaultsMs = 2_000;

/** Runs one seed to its end and judges it. */
export async function simulate(options: SimulationOptions): Promise<SimulationResult> {
  const { seed, orders, faults, scene = everydayScene } = options;
  const prefix = options.prefix ?? { orders, faults };
  const shop = openShop(options);
  const { schedule, random } = shop;
  const nemesis = createNemesis(shop, random.fork('nemesis'), scene);
  const door = frontDoor(shop);
  const purchases: Purchase[] = [];

  try {
    for (const process of shop.processes) process.start();
    await schedule.run({ untilMs: 60_000, done: shop.ready });

    const products = productsOf(shop);
    const stockBefore = new Map(
      (await schedule.complete(stockFigures(door, products))).map(({ productId, available }) => [
        productId,
        available,
      ]),
    );
    const buyers = await schedule.complete(openAccounts(shop, door, Math.min(buyersAtOnce, orders)));

    // Purchases start as buyers are free; faults come with them, as many as were asked for.
    let started = 0;
    let struck = 0;
    const moments = random.fork('moments of faults');
    const strikeUpTo = (wanted: number) => {
      for (; struck < wanted; struck += 1) {
        const afterMs = moments.between(0, 400);
        if (struck < prefix.faults) door.life.after(afterMs, nemesis.strike);
      }
    };
    shop.weather.disturb(noiseOf(shop));
    const shopping = Promise.all(
      buyers.map(async ({ user, client, good, other }) => {
        const chance = random.fork(`buyer ${user}`);
        // Buyers count their own purchases: one's keys are the same texts as another's, and must not meet.
        for (let number = 1; started < prefix.orders; number += 1) {
          started += 1;
          strikeUpTo(Math.round((faults * started) / orders));
          await buy(
            {
              user,
              client,
              clock: door.life.ambient.clock,
              timers: door.life.ambient.timers,
              random: chance,
              products: scene.products ?? products,
              cardToken: () => (chance.chance(0.2) ? other : good),
              doubleClicks: scene.doubleClicks,
              cancellations: scene.cancellations,
              patienceMs: scene.patienceMs,
            },
            `purchase-${number}`,
            purchases,
          ).catch(() => undefined);
          await door.life.ambient.timers.sleep(chance.between(0, 1_000));
        }
      }),
    );
    let shopped = false;
    void shopping.then(() => {
      shopped = true;
    });
    // Buyers give up in the end, so this ends whatever the shop does.
    await schedule.run({ untilMs: Number.POSITIVE_INFINITY, done: () => started >= prefix.orders });
    await schedule.run({ untilMs: schedule.nowMs() + lastFaultsMs, done: () => false });
    nemesis.heal();
    const healedMs = schedule.nowMs();
    await schedule.run({ untilMs: healedMs + scene.patienceMs, done: () => shopped });
    await schedule.run({ untilMs: Math.max(schedule.nowMs(), healedMs) + settleMs, done: () => false });

    const told = await schedule.complete(
      gatherEvidence({ shop, door, buyers, purchases, stockBefore, products, poison: nemesis.poisoned() }),
    );
    const orderRows = await orderRowsOf(shop);
    await options.beforeClose?.(shop);
    const evidence = { ...told, orderRows, spilled: await spilledCards(shop) };
    const violations = checkEvidence(evidence);
    const states: Record<string, number> = {};
    for (const { state } of evidence.orders) states[state] = (states[state] ?? 0) + 1;
    return {
      seed,
      traceHash: shop.trace.hash(),
      orders: purchases.length,
      faults: Math.min(struck, prefix.faults),
      violations,
      faultsByKind: nemesis.count(),
      states,
      lastedMs: schedule.nowMs(),
      evidence,
      shop,
    };
  } finally {
    await shop.close();
  }
}

/** What varies from seed to seed besides the order of things. */
function openShop({ code, seed, scene, keepTrace = false }: SimulationOptions): SimulatedShop {
  const pair = seed % 2 === 1 ? 2 : 1;
  return simulatedShop({
    code,
    seed,
    keepTrace,
    processes: { order: pair, payment: pair, inventory: pair },
    processorMode: seed % 3 === 0 ? 'ignore' : 'honour',
    settings: { SHIPPING_CARRIER_STEP_SECONDS: '5', ...scene?.settings?.(seed) },
  });
}

/** Every third seed is quiet apart from its faults. */
function noiseOf({ random }: SimulatedShop): Noise {
  const chance = random.fork('noise');
  if (chance.chance(1 / 3)) return { lost: 0, replyLost: 0, doubled: 0, slow: 0 };
  return {
    lost: chance.between(0, 0.02),
    replyLost: chance.between(0, 0.02),
    doubled: chance.between(0, 0.03),
    slow: chance.between(0, 0.01),
  };
}

/** What the order service's own events say of the rows that clients see. */
function orderRowsOf({ disks, code }: SimulatedShop) {
  const store = disks.get('order')?.store;
  const [projection] =
    code.modules.find(({ manifest }) => manifest.name === 'order')?.service?.projections ?? [];
  if (store === undefined || projection === undefined) throw new Error('order has no projection');
  return rebuildProjection(store, projection, { by: 'simulation', switchOver: false });
}

function productsOf({ code }: SimulatedShop): readonly string[] {
  return code.products;
}
