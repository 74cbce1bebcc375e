import { availableParallelism } from 'node:os';
import { runCampaign } from './campaign.js';

// `node dist/conformance/simulation/campaign-main.js [SEEDS]`: how fast the simulation is on this machine, in one line.

const seeds = Array.from({ length: Number(process.argv[2] ?? 20) }, (_, index) => index + 1);
const startedMs = performance.now();
const results = await runCampaign({
  seeds,
  orders: 1_000,
  faults: 1_000,
  workers: availableParallelism(),
  onSeed: ({ seed, cpuMs, orders, violations }) =>
    process.stderr.write(
      `seed ${seed}: ${(cpuMs / orders).toFixed(2)} ms of CPU an order, ${violations.length} violations\n`,
    ),
});
const sum = (of: (result: (typeof results)[number]) => number) =>
  results.reduce((total, result) => total + of(result), 0);
const orders = sum((result) => result.orders);
process.stdout.write(
  `${orders} purchases under ${sum(({ faults }) => faults)} faults in ${((performance.now() - startedMs) / 1_000).toFixed(1)} s: ` +
    `${(sum(({ cpuMs }) => cpuMs) / orders).toFixed(2)} ms of CPU an order, ` +
    `${Math.round(sum(({ lastedMs }) => lastedMs) / 1_000)} s of virtual time, ` +
    `${sum(({ violations }) => violations.length)} violations\n`,
);
process.exitCode = results.some(({ violations }) => violations.length > 0) ? 1 : 0;
