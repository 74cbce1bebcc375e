import { register } from 'node:module';
import type { HuntRequest, HuntResult } from './hunt.js';
import { editsByFile } from './mutant.js';

// A process that hunts one mutant: plants it in what it loads, then runs seeds until the invariant is found violated.

process.once('message', (message) => {
  hunt(message as HuntRequest).then(
    (result) => process.send?.(result, () => process.disconnect()),
    (error: unknown) => {
      process.stderr.write(`${(error as Error).stack}\n`);
      process.exitCode = 1;
      process.disconnect();
    },
  );
});

async function hunt({ edits, killedBy, seeds, orders, faults }: HuntRequest): Promise<HuntResult> {
  register(new URL('./planting-loader.js', import.meta.url), { data: editsByFile(edits) });
  const { simulate } = await import('../simulation/simulate.js');
  const { hastyScene } = await import('../simulation/scene.js');
  const { loadShopCode } = await import('../simulation/simulated-shop.js');
  const code = await loadShopCode();
  const violated: Record<number, readonly string[]> = {};
  for (const seed of seeds) {
    const { violations } = await simulate({ code, seed, orders, faults, scene: hastyScene });
    violated[seed] = [...new Set(violations.map(({ invariant }) => invariant))].sort();
    const told = violations.find(({ invariant }) => invariant === killedBy);
    if (told !== undefined) return { killedAt: seed, because: `${told.subject} ${told.message}`, violated };
  }
  return { killedAt: undefined, because: '', violated };
}
