import type { SeedRequest, SeedResult } from './campaign.js';
import { simulate } from './simulate.js';
import { loadShopCode } from './simulated-shop.js';

// A process of a campaign: runs the seeds that it is sent, one after the other, until nobody sends any.
const code = loadShopCode();

process.on('message', (message) => {
  void run(message as SeedRequest);
});

async function run({ seed, orders, faults }: SeedRequest): Promise<void> {
  const loaded = await code;
  const before = process.cpuUsage();
  const { traceHash, faultsByKind, states, violations, lastedMs, ...done } = await simulate({
    code: loaded,
    seed,
    orders,
    faults,
  });
  const { user, system } = process.cpuUsage(before);
  process.send?.({
    seed,
    traceHash,
    orders: done.orders,
    faults: done.faults,
    faultsByKind,
    states,
    violations,
    cpuMs: (user + system) / 1_000,
    lastedMs,
  } satisfies SeedResult);
}
