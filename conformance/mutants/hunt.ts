import { fork } from 'node:child_process';
import { join } from 'node:path';
import { packageRoot } from '../../mesh/runtime/package-root.js';
import { engineOptions } from '../simulation/campaign.js';
import type { Edit, Mutant } from './mutant.js';

/** What a worker is asked to do. */
export interface HuntRequest {
  readonly edits: readonly Edit[];
  /** The hunt ends when this invariant is violated. */
  readonly killedBy: string;
  readonly seeds: readonly number[];
  /** Purchases and faults of each seed. */
  readonly orders: number;
  readonly faults: number;
}

/** What became of a mutant. */
export interface HuntResult {
  /** The seed that found it; undefined for one that survived. */
  readonly killedAt: number | undefined;
  /** What was found, in words. */
  readonly because: string;
  /** Invariants that each seed found violated. */
  readonly violated: Readonly<Record<number, readonly string[]>>;
}

/** How to hunt. */
export interface HuntOptions extends Pick<HuntRequest, 'orders' | 'faults'> {
  /** Processes at work: as many as there are cores. */
  readonly workers: number;
}

/**
 * Hunts each mutant in a process of its own, in the order of seeds from 1 on, until it is found or has survived. Gives what
 * became of each, by name.
 * @throws Error when a process fails: an edit that does not fit, or a simulation that came to no end.
 */
export async function hunt(
  mutants: readonly Mutant[],
  options: HuntOptions,
): Promise<ReadonlyMap<string, HuntResult>> {
  const { workers, orders, faults } = options;
  const waiting = [...mutants];
  const results = new Map<string, HuntResult>();
  const work = async () => {
    for (let mutant = waiting.shift(); mutant !== undefined; mutant = waiting.shift()) {
      const { name, edits, killedBy, withinSeeds } = mutant;
      const seeds = Array.from({ length: withinSeeds }, (_, index) => index + 1);
      results.set(name, await huntOne(name, { edits, killedBy, seeds, orders, faults }));
    }
  };
  await Promise.all(Array.from({ length: workers }, work));
  return results;
}

function huntOne(name: string, request: HuntRequest): Promise<HuntResult> {
  return new Promise((resolve, reject) => {
    const worker = fork(join(packageRoot(), 'dist/conformance/mutants/hunt-worker.js'), {
      execArgv: [...engineOptions],
    });
    let result: HuntResult | undefined;
    worker.once('message', (message) => {
      result = message as HuntResult;
    });
    worker.once('error', reject);
    worker.once('exit', (code, signal) => {
      if (result !== undefined) resolve(result);
      else reject(new Error(`the hunt for "${name}" ended with ${code ?? signal}`));
    });
    worker.send(request);
  });
}
