import { expect } from 'chai';
import { runCampaign } from './campaign.js';
import { simulate } from './simulate.js';
import { loadShopCode } from './simulated-shop.js';

/** Seeds of each set-up: one process or two of a service, a processor with and without keys, quiet and noisy. */
const seeds = [1, 2, 3, 4, 5, 6];
const orders = 30;
const faults = 60;

describe('a seed', function () {
  this.timeout(120_000);

  it('comes to the same in another process, under other settings of the engine, and after other seeds', async () => {
    const elsewhere = await runCampaign({ seeds, orders, faults, workers: 1 });
    const code = await loadShopCode();
    const here = new Map<number, string>();
    for (const seed of [...seeds].reverse())
      here.set(seed, (await simulate({ code, seed, orders, faults })).traceHash);
    expect(Object.fromEntries(here)).to.deep.equal(
      Object.fromEntries(elsewhere.map(({ seed, traceHash }) => [seed, traceHash])),
    );
  });
});
