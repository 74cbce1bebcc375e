import { MeshError } from '../../mesh/contract/error.js';
import { createClient } from '../../mesh/rpc/client.js';
import type { CallContext } from '../../mesh/rpc/context.js';
import { createBackground } from '../../mesh/runtime/background.js';
import { beginLife } from '../../mesh/sim/life.js';
import type { SeededRandom } from '../../mesh/sim/seeded-random.js';
import { InventoryServiceDefinition } from '../../proto/gen/meshmart/inventory/v1/inventory.js';
import type { Operation } from '../linearizability/linearizability.js';
import type { StockCall, StockResult } from '../linearizability/stock-model.js';
import { frontDoor } from './simulated-client.js';
import { epochMs, type ShopCode, simulatedShop } from './simulated-shop.js';

/** A race for the pieces of one product. */
export interface StockRaceOptions {
  readonly code: ShopCode;
  readonly seed: number;
  readonly faults: number;
}

/** What was seen of one product. */
export interface StockHistory {
  readonly productId: string;
  /** Pieces at the beginning. */
  readonly pieces: number;
  readonly operations: readonly Operation<StockCall, StockResult>[];
}

const callers = 6;
const callsOfEach = 12;
const ordersInPlay = 10;
const attemptsOfEach = 4;
const callWithinMs = 2_000;
/** Answers that are about the stock; all others leave open what happened. */
const refusals = new Set(['OUT_OF_STOCK', 'RESERVATION_VOIDED', 'RESERVATION_NOT_FOUND', 'CONFLICT']);

/**
 * Several callers reserve, commit, release and read the pieces of one scarce product for the same few orders at once,
 * while processes of inventory are killed and stopped, its disk fails, and messages are lost, doubled and late.
 */
export async function stockRace({ code, seed, faults }: StockRaceOptions): Promise<StockHistory> {
  const shop = simulatedShop({
    code,
    seed,
    keepTrace: false,
    processes: { inventory: 1 + (seed % 2) },
    processorMode: 'honour',
    settings: {},
  });
  const { schedule } = shop;
  const random = shop.random.fork('stock race');
  const productId = random.pick(code.products);
  const life = beginLife({
    // Order's stead: nobody else may call.
    name: 'order-stand-in',
    service: 'order',
    schedule,
    random: random.fork('callers'),
    clockAtStartMs: () => epochMs,
  });
  const inventory = createClient(InventoryServiceDefinition, {
    wire: shop.network.wire(life, 'inventory'),
    policies: code.shop.policies,
    ambient: life.ambient,
    caller: 'order',
  });
  const background = createBackground({
    ambient: life.ambient,
    service: 'order',
    stopping: new AbortController().signal,
  });
  // Order reads no figures: reads come in at the front door.
  const door = frontDoor(shop);
  const reader = door.client(InventoryServiceDefinition);
  const read = () => door.call(undefined, (context) => reader.getStock({ productId }, context));
  const operations: Operation<StockCall, StockResult>[] = [];

  const send = async (call: StockCall, key: string, context: CallContext): Promise<StockResult> => {
    const once = { idempotencyKey: key };
    switch (call.kind) {
      case 'get': {
        const { stock } = await read();
        return {
          kind: 'figures',
          available: Number(stock?.available),
          reserved: Number(stock?.reserved),
          committed: Number(stock?.committed),
        };
      }
      case 'reserve':
        await inventory.reserve(
          { orderId: call.orderId, lines: [{ productId, quantity: call.quantity }] },
          context,
          once,
        );
        return { kind: 'done' };
      case 'commit':
        await inventory.commit({ orderId: call.orderId }, context, once);
        return { kind: 'done' };
      case 'release':
        await inventory.release({ orderId: call.orderId }, context, once);
        return { kind: 'done' };
      default:
        return call satisfies never;
    }
  };

  /** One operation, tried with one key until it is known what came of it, or given up. */
  const operate = async (call: StockCall, key: string): Promise<void> => {
    const firstMs = schedule.nowMs();
    const never = Number.POSITIVE_INFINITY;
    for (let attempt = 1; attempt <= attemptsOfEach; attempt += 1) {
      const startedMs = schedule.nowMs();
      try {
        const result = await background({ deadlineMs: callWithinMs }, (context) => send(call, key, context));
        // A read of a later attempt says nothing of the time before it; a change may be the first attempt's.
        const sinceMs = call.kind === 'get' ? startedMs : firstMs;
        operations.push({ call, result, startedMs: sinceMs, endedMs: schedule.nowMs() });
        return;
      } catch (error) {
        const { reason } = MeshError.from(error);
        if (refusals.has(reason)) {
          const result = { kind: 'refused', reason } as const;
          operations.push({ call, result, startedMs, endedMs: schedule.nowMs() });
          // A refusal is not kept for the key: an attempt before it, or a late copy of it, may still happen.
          operations.push({ call, result: undefined, startedMs: firstMs, endedMs: never });
          return;
        }
      }
      await life.ambient.timers.sleep(random.between(5, 300));
    }
    if (call.kind !== 'get') operations.push({ call, result: undefined, startedMs: firstMs, endedMs: never });
  };

  try {
    for (const process of shop.processes) process.start();
    await schedule.run({ untilMs: 60_000, done: shop.ready });
    const before = await schedule.complete(read());
    const pieces = Number(before.stock?.available);
    for (let strike = 0; strike < faults; strike += 1)
      schedule.after(random.between(0, callsOfEach * 250), () => harm(shop, random));
    await schedule.complete(
      Promise.all(
        Array.from({ length: callers }, async (_, caller) => {
          for (let number = 0; number < callsOfEach; number += 1) {
            const orderId = `ord_race-${random.below(ordersInPlay)}`;
            await operate(drawn(random, orderId, pieces), `${caller}-${number}`);
            await life.ambient.timers.sleep(random.between(0, 200));
          }
        }),
      ),
      600_000,
    );
    return { productId, pieces, operations };
  } finally {
    await shop.close();
  }
}

/** Orders are large enough for a few of them to take all there is. */
function drawn(random: SeededRandom, orderId: string, pieces: number): StockCall {
  const quantity = Math.max(1, Math.floor(pieces / 3));
  const at = random.next();
  if (at < 0.4) return { kind: 'reserve', orderId, quantity };
  if (at < 0.5) return { kind: 'commit', orderId };
  if (at < 0.7) return { kind: 'release', orderId };
  return { kind: 'get' };
}

function harm(shop: ReturnType<typeof simulatedShop>, random: SeededRandom): void {
  const { schedule, weather } = shop;
  const process = random.pick(shop.processes.filter(({ service }) => service === 'inventory'));
  const at = random.next();
  if (at < 0.2) {
    process.kill();
    schedule.after(random.between(10, 400), process.start);
  } else if (at < 0.3) process.life()?.pause(schedule.nowMs() + random.between(100, 3_000));
  else if (at < 0.35) shop.disks.get('inventory')?.failUntil(schedule.nowMs() + random.between(50, 500));
  else if (at < 0.55) weather.plan('order', 'inventory', 'lose reply');
  else if (at < 0.65) weather.plan('order', 'inventory', 'lose');
  else if (at < 0.8) weather.plan('order', 'inventory', 'double');
  else weather.plan('order', 'inventory', 'double late');
}
