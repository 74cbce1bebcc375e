import type { Ambient } from '../../mesh/runtime/ports.js';
import type { SeededRandom } from '../../mesh/sim/seeded-random.js';
import type { Attempt, Purchase } from './history.js';
import {
  type BoughtLine,
  CallFailure,
  finalStates,
  type OrderView,
  type PlaceAnswer,
  type ShopClient,
} from './shop-client.js';

/** One buyer with all it needs to buy again and again. */
export interface BuyerOptions {
  readonly user: string;
  readonly client: ShopClient;
  readonly clock: Ambient['clock'];
  readonly timers: Ambient['timers'];
  readonly random: SeededRandom;
  readonly products: readonly string[];
  /** The token of a card for a purchase: some decline, some misbehave. */
  cardToken(): string;
  /** How often two calls with one key are on their way at once. */
  readonly doubleClicks: number;
  readonly cancellations: number;
  /** How often the buyer's process dies with the order on its way, and another one goes on with the key. Default never. */
  readonly loss?: LostClients;
  /** Whether the buyer has never bought before: the cart is empty then. Default false. */
  readonly firstTime?: boolean;
  /** What to buy. Default: drawn from {@link products}. */
  readonly wanted?: readonly BoughtLine[];
  /** Longest pause between two attempts, in milliseconds. Default 200: it never grows. */
  readonly longestRetryMs?: number;
  /** Longest pause between two looks at cart or order, in milliseconds. Default 1200. */
  readonly lookEveryMs?: number;
  /** Longest time that anything is tried again. After it the purchase stays as it is, and the checker will say so. */
  readonly patienceMs: number;
}

/** A client that dies in the middle of a call. */
export interface LostClients {
  readonly chance: number;
  /** Begins the call and is gone before the answer comes, more often than not. */
  readonly dying: Pick<ShopClient, 'placeOrder'>;
  /** Another process that knows the key and nothing else. */
  readonly successor: Pick<ShopClient, 'placeOrder'>;
}

/** Pause before the second attempt, in milliseconds; before each further one it doubles. */
const retryAfterMs = 200;

/**
 * One purchase: fill the cart, order with one key until an answer is known, then watch the order to its end. Everything
 * the buyer saw is in the history that it fills.
 */
export async function buy(
  options: BuyerOptions,
  key: string,
  history: Pick<Purchase[], 'push'>,
): Promise<void> {
  const { client, clock, timers, random, loss } = options;
  const { longestRetryMs = retryAfterMs, lookEveryMs = 1_200 } = options;
  const startedMs = clock.monotonicMs();
  const impatient = () => clock.monotonicMs() - startedMs > options.patienceMs;

  /** Tries again until it is known what came of it. @throws CallFailure of outcome `fail`, or when patience is over. */
  const untilKnown = async <T>(call: () => Promise<T>): Promise<T> => {
    for (let pauseMs = retryAfterMs; ; pauseMs = Math.min(longestRetryMs, 2 * pauseMs)) {
      try {
        return await call();
      } catch (error) {
        if (!(error instanceof CallFailure) || error.outcome === 'fail' || impatient()) throw error;
      }
      await timers.sleep(random.between(0.5, 1) * pauseMs);
    }
  };

  // What was ordered before leaves the cart by an event: a careful buyer looks before adding more.
  while (options.firstTime !== true && (await untilKnown(() => client.cart())).length > 0) {
    if (impatient()) break;
    await timers.sleep(random.between(0.5, 1) * lookEveryMs);
  }
  const wanted =
    options.wanted ??
    Array.from({ length: random.chance(0.3) ? 2 : 1 }, () => ({
      productId: random.pick(options.products),
      quantity: 1 + random.below(3),
    }));
  for (const [index, { productId, quantity }] of wanted.entries())
    await untilKnown(() => client.addItem(productId, quantity, `${key}-item-${index}`));

  const purchase: Purchase = {
    user: options.user,
    key,
    wanted,
    attempts: [],
    orderId: undefined,
    refused: undefined,
    cancelled: false,
    sightings: [],
    last: undefined,
  };
  history.push(purchase);
  const see = (order: OrderView) => {
    purchase.last = order;
    purchase.sightings.push({ atMs: clock.monotonicMs(), state: order.state, version: order.version });
  };
  const cardToken = options.cardToken();
  let placing: Pick<ShopClient, 'placeOrder'> = client;
  const place = () => attempt(purchase.attempts, clock, () => placing.placeOrder(key, cardToken));
  if (loss !== undefined && random.chance(loss.chance)) {
    placing = loss.dying;
    // Whatever it saw died with it.
    await place().catch(() => undefined);
    placing = loss.successor;
  }
  const attempts = random.chance(options.doubleClicks) ? [place(), place()] : [place()];
  const answers = await Promise.allSettled(attempts);
  const known = answers.find((answer) => answer.status === 'fulfilled');
  try {
    const { order } = known === undefined ? await untilKnown(place) : known.value;
    purchase.orderId = order.id;
    see(order);
  } catch (error) {
    if (!(error instanceof CallFailure)) throw error;
    if (error.outcome === 'fail') purchase.refused = error.reason;
    return;
  }
  const { orderId } = purchase;
  if (random.chance(options.cancellations)) {
    purchase.cancelled = true;
    await untilKnown(() => client.cancel(orderId)).then(see, () => undefined);
  }
  while (!finalStates.includes(purchase.last?.state ?? '') && !impatient()) {
    await timers.sleep(random.between(0.5, 1) * lookEveryMs);
    await client.order(orderId).then(see, () => undefined);
  }
  // Looks back later: an order that has ended stays as it is.
  if (random.chance(0.3)) {
    await timers.sleep(random.between(0, 2) * lookEveryMs);
    await client.order(orderId).then(see, () => undefined);
  }
  // Once more with the same key, as a client that lost its memory does: the answer must be the first one.
  if (random.chance(0.2)) await untilKnown(place).catch(() => undefined);
}

async function attempt(
  attempts: Attempt[],
  clock: Ambient['clock'],
  call: () => Promise<PlaceAnswer>,
): Promise<PlaceAnswer> {
  const startedMs = clock.monotonicMs();
  const note = (outcome: Attempt['outcome'], reason: string, bytes: string) =>
    attempts.push({ startedMs, endedMs: clock.monotonicMs(), outcome, reason, bytes });
  try {
    const answer = await call();
    note('ok', '', answer.bytes);
    return answer;
  } catch (error) {
    if (error instanceof CallFailure) note(error.outcome, error.reason, '');
    throw error;
  }
}
