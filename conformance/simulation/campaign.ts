import { fork } from 'node:child_process';
import { join } from 'node:path';
import { packageRoot } from '../../mesh/runtime/package-root.js';
import type { Violation } from '../invariants/evidence.js';
import type { FaultKind } from './nemesis.js';

/** Many seeds, spread over processes. */
export interface CampaignOptions {
  readonly seeds: readonly number[];
  /** Purchases of each seed. */
  readonly orders: number;
  /** Faults of each seed. */
  readonly faults: number;
  /** Processes that run seeds, each one at a time: as many as there are cores. */
  readonly workers: number;
  /** Told of each seed that is done. */
  onSeed?(result: SeedResult): void;
}

/** What one seed came to, as it crosses from the process that ran it. */
export interface SeedResult {
  readonly seed: number;
  readonly traceHash: string;
  readonly orders: number;
  readonly faults: number;
  readonly faultsByKind: Readonly<Partial<Record<FaultKind, number>>>;
  readonly states: Readonly<Record<string, number>>;
  readonly violations: readonly Violation[];
  /** Processor time that the seed took, of all threads, in milliseconds. */
  readonly cpuMs: number;
  /** Virtual time, in milliseconds. */
  readonly lastedMs: number;
}

/** What a worker is asked to run. */
export interface SeedRequest extends Pick<CampaignOptions, 'orders' | 'faults'> {
  readonly seed: number;
}

/**
 * How the workers' engine is set up: most objects die young, so the young generation is large; two workers on two cores
 * leave nothing for helper threads; errors are part of the simulated life, and nobody reads their stacks (a seed that
 * fails is replayed by `meshmart sim`, with stacks).
 */
export const engineOptions: readonly string[] = [
  '--max-semi-space-size=128',
  '--single-threaded-gc',
  '--stack-trace-limit=0',
];

/**
 * Runs the seeds and gives what each came to, in the order of the seeds. A seed gives the same result whichever worker
 * runs it, and whatever that one ran before. The workers run what is built in dist/.
 * @throws Error when a worker fails: a seed that throws is a mistake of the simulation itself.
 */
export function runCampaign(options: CampaignOptions): Promise<readonly SeedResult[]> {
  const { orders, faults } = options;
  const waiting = [...options.seeds];
  const results: SeedResult[] = [];
  const work = () =>
    new Promise<void>((resolve, reject) => {
      const worker = fork(join(packageRoot(), 'dist/conformance/simulation/campaign-worker.js'), {
        execArgv: [...engineOptions],
      });
      let running: number | undefined;
      const next = () => {
        running = waiting.shift();
        if (running === undefined) worker.disconnect();
        else worker.send({ seed: running, orders, faults } satisfies SeedRequest);
      };
      worker.on('message', (message) => {
        const result = message as SeedResult;
        results.push(result);
        options.onSeed?.(result);
        next();
      });
      worker.once('error', reject);
      worker.once('exit', (code, signal) => {
        if (code === 0 && running === undefined) return resolve();
        waiting.length = 0;
        reject(new Error(`the worker of seed ${running} ended with ${code ?? signal}`));
      });
      next();
    });
  return Promise.all(Array.from({ length: options.workers }, work)).then(() =>
    results.sort((left, right) => left.seed - right.seed),
  );
}

/** Adds up what seeds came to, by name. */
export function sumOf(
  counts: readonly Readonly<Record<string, number | undefined>>[],
): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const one of counts)
    for (const [name, count = 0] of Object.entries(one)) sums[name] = (sums[name] ?? 0) + count;
  return sums;
}
