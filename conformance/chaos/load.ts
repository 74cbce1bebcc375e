import type { Ambient } from '../../mesh/runtime/ports.js';
import type { SeededRandom } from '../../mesh/sim/seeded-random.js';
import type { Purchase } from '../workload/history.js';
import { buy } from '../workload/purchase.js';
import { recordedClient } from '../workload/recorded-client.js';
import { type RestAccess, restClient } from '../workload/rest-client.js';
import type { ShopClient } from '../workload/shop-client.js';
import type { Buyers, ChaosBuyer } from './buyers.js';
import type { HistoryWriter } from './history-file.js';
import type { Arrival } from './open-loop.js';
import type { Successor } from './successor.js';

/** The purchases of a run. */
export interface LoadOptions extends RestAccess {
  readonly buyers: Buyers;
  /** Purchases besides those of the sale. */
  readonly orders: number;
  readonly products: readonly string[];
  readonly saleProduct: string;
  /** The time over which purchases arrive, in milliseconds; the sale's share of it is {@link saleWindow}. */
  readonly withinMs: number;
  readonly patienceMs: number;
  readonly ambient: Ambient;
  readonly random: SeededRandom;
  readonly successor: Successor;
  readonly history: HistoryWriter;
  /** Ends the buyers wherever they are. */
  readonly signal: AbortSignal;
}

/** Purchases that wait to begin, and what became of those that did. */
export interface Load {
  readonly arrivals: readonly Arrival[];
  /** Every purchase whose cart was filled, with who made it. */
  readonly purchases: readonly MadePurchase[];
  /** How many buyers have come and are not among the purchases yet. */
  filling(): number;
}

/** A purchase and its way to the shop. */
export interface MadePurchase {
  readonly purchase: Purchase;
  readonly client: ShopClient;
  readonly arrivedMs: number;
  readonly sale: boolean;
}

/** When the flash sale is, as shares of the load's time. */
export const saleWindow = { from: 0.1, to: 0.9 } as const;
/** How many have waited for its beginning, and the time within which they come then; the others come all the time. */
const crowd = { buyers: 50, withinMs: 1_000 } as const;

/** How often something happens that buyers do. */
const habits = { otherCard: 0.2, doubleClicks: 0.05, cancellations: 0.04, losses: 0.05 };
/** A client that dies does so within this time of its call. */
const diesWithinMs = { least: 1, most: 120 };
/** Buyers who have no answer ask less and less often: else they would be the next outage. */
const longestRetryMs = 3_000;
const lookEveryMs = 2_500;

/** Lays out the purchases of a run: regular ones all the time, and the rush of the sale in the middle of it. */
export function layOut(options: LoadOptions): Load {
  const { ambient, random, buyers, withinMs } = options;
  const timers = {
    ...ambient.timers,
    sleep: (delayMs: number) => ambient.timers.sleep(delayMs, options.signal),
  };
  const purchases: MadePurchase[] = [];
  let filling = 0;
  const free = [...buyers.regulars];
  const waiting: ((buyer: ChaosBuyer) => void)[] = [];
  const taken = () => {
    const buyer = free.shift();
    return buyer === undefined ? new Promise<ChaosBuyer>((resolve) => waiting.push(resolve)) : buyer;
  };
  const giveBack = (buyer: ChaosBuyer) => {
    const next = waiting.shift();
    if (next === undefined) free.push(buyer);
    else next(buyer);
  };

  const shop = async (buyer: ChaosBuyer, key: string, arrivedMs: number, sale: boolean) => {
    const chance = random.fork(key);
    const { user, token, client } = buyer;
    const recorded = (one: ShopClient) =>
      recordedClient(one, user, ambient.clock, (call) => options.history.write({ kind: 'call', ...call }));
    const { shopUrl, answerWithinMs, http, successor } = options;
    const dying = restClient({
      shopUrl,
      token,
      answerWithinMs: Math.round(chance.between(diesWithinMs.least, diesWithinMs.most)),
      http,
    });
    let filled = false;
    const isFilled = () => {
      if (!filled) filling -= 1;
      filled = true;
    };
    filling += 1;
    await buy(
      {
        user,
        client: recorded(client),
        clock: ambient.clock,
        timers,
        random: chance,
        products: options.products,
        cardToken: () => (!sale && chance.chance(habits.otherCard) ? buyer.other : buyer.good),
        doubleClicks: habits.doubleClicks,
        cancellations: sale ? 0 : habits.cancellations,
        loss: {
          chance: habits.losses,
          dying,
          successor: successor.client(shopUrl, token, answerWithinMs),
        },
        ...(sale ? { firstTime: true, wanted: [{ productId: options.saleProduct, quantity: 1 }] } : {}),
        longestRetryMs,
        lookEveryMs,
        patienceMs: options.patienceMs,
      },
      key,
      {
        push: (purchase) => {
          isFilled();
          return purchases.push({ purchase, client: recorded(client), arrivedMs, sale });
        },
      },
    ).catch(() => undefined);
    isFilled();
  };

  const regular = Array.from({ length: options.orders }, (_, index): Arrival => {
    const atMs = random.between(0, withinMs);
    return {
      atMs,
      begin: async (arrivedMs) => {
        const buyer = await taken();
        await shop(buyer, `purchase-${index + 1}`, arrivedMs, false);
        giveBack(buyer);
      },
    };
  });
  const rush = buyers.bargainHunters.map((buyer, index): Arrival => {
    const fromMs = saleWindow.from * withinMs;
    const toMs = index < crowd.buyers ? fromMs + crowd.withinMs : saleWindow.to * withinMs;
    const atMs = random.between(fromMs, toMs);
    return { atMs, begin: (arrivedMs) => shop(buyer, `sale-${index + 1}`, arrivedMs, true) };
  });
  return { arrivals: [...regular, ...rush], purchases, filling: () => filling };
}
