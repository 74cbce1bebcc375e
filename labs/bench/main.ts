import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../mesh/runtime/package-root.js';
import { durableThroughput } from './durable-throughput.js';
import { newPurchaser, residentMiB, startMeasured } from './measure.js';
import { meshFigures } from './mesh-figures.js';
import { type Figure, reportOf } from './report.js';
import { spreadOf } from './statistics.js';
import { tracingCost } from './tracing-cost.js';

const starts = 9;
const restMs = 5_000;
const warmUps = 50;
const sequential = 200;
const buyersAtOnce = 8;
const rateRounds = 5;
const roundMs = 2_000;
const tracingRounds = 5;
const durableRounds = 5;
const meshStarts = 3;

const say = (text: string) => process.stderr.write(`bench: ${text}\n`);
const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function startsAndMemory(): Promise<Figure[]> {
  say(`starting the shop ${starts} times`);
  const readyMs: number[] = [];
  const restMiB: number[] = [];
  for (let run = 0; run < starts; run += 1) {
    const { shop, readyAfterMs, end } = await startMeasured();
    readyMs.push(readyAfterMs);
    if (run < 3) {
      await wait(restMs);
      restMiB.push(residentMiB(shop.pid));
    }
    await end();
  }
  return [
    { what: 'start of the process to ready', unit: 'ms', spread: spreadOf(readyMs), goal: 'at most 1500' },
    {
      what: "resident memory of the shop's process at rest",
      unit: 'MiB',
      spread: spreadOf(restMiB),
      goal: 'at most 150',
    },
  ];
}

async function purchases(): Promise<Figure[]> {
  const { shop, end } = await startMeasured();
  say(`${sequential} purchases one after the other, after ${warmUps} to warm up`);
  const single = await newPurchaser(shop.httpUrl);
  for (let n = 0; n < warmUps; n += 1) await single.buy();
  const latenciesMs: number[] = [];
  for (let n = 0; n < sequential; n += 1) latenciesMs.push(await single.buy());

  say(`${buyersAtOnce} buyers at once, ${rateRounds} rounds of ${roundMs / 1_000} s`);
  const buyers = await Promise.all(Array.from({ length: buyersAtOnce }, () => newPurchaser(shop.httpUrl)));
  const rates: number[] = [];
  for (let round = 0; round < rateRounds; round += 1) {
    const startedMs = performance.now();
    let bought = 0;
    await Promise.all(
      buyers.map(async (buyer) => {
        while (performance.now() - startedMs < roundMs) {
          await buyer.buy();
          bought += 1;
        }
      }),
    );
    rates.push(bought / ((performance.now() - startedMs) / 1_000));
  }
  const afterMiB = residentMiB(shop.pid);
  await end();
  return [
    { what: 'PlaceOrder over REST, one buyer: sent to confirmed', unit: 'ms', spread: spreadOf(latenciesMs) },
    {
      what: `purchases (cart and order) of ${buyersAtOnce} buyers at once`,
      unit: 'a second',
      spread: spreadOf(rates),
    },
    { what: 'resident memory after all of that', unit: 'MiB', spread: spreadOf([afterMiB]) },
  ];
}

async function tracing(): Promise<Figure[]> {
  say(`what tracing costs: ${tracingRounds} rounds of three ways to trace, in turn`);
  return tracingCost(tracingRounds, 80);
}

async function durable(): Promise<Figure[]> {
  say(`durable orders a second: ${durableRounds} rounds, in turn with SQLite alone`);
  return durableThroughput(durableRounds);
}

async function mesh(): Promise<Figure[]> {
  say(`starting the mesh of processes ${meshStarts} times`);
  return meshFigures(meshStarts);
}

const report = reportOf([
  ...(await startsAndMemory()),
  ...(await purchases()),
  ...(await tracing()),
  ...(await durable()),
  ...(await mesh()),
]);
const folder = join(packageRoot(), 'docs', 'reports');
mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, 'bench.md'), report);
process.stdout.write(report);
