import { expect } from 'chai';
import { crashEverywhere } from './crash-everywhere.js';
import { regressions } from './regressions.js';
import { failureText } from './replay-seed.js';
import { simulate } from './simulate.js';
import { loadShopCode, type ShopCode } from './simulated-shop.js';

describe('the simulated shop', function () {
  this.timeout(120_000);
  let code: ShopCode;
  before(async () => {
    code = await loadShopCode();
  });

  it('does the same again for the same seed, to the last message, and something else for another', async () => {
    const run = (seed: number) => simulate({ code, seed, orders: 40, faults: 80 });
    const first = await run(11);
    const again = await run(11);
    const other = await run(12);
    expect(again.traceHash).to.equal(first.traceHash);
    expect(again.states).to.deep.equal(first.states);
    expect(other.traceHash).not.to.equal(first.traceHash);
  });

  it('keeps every invariant when a process is killed at each await of a purchase, one by one', async () => {
    const { crashes, byService, violations } = await crashEverywhere(code, 1);
    expect(violations).to.deep.equal([]);
    expect(crashes).to.be.greaterThan(100);
    expect(byService).to.include.keys(
      'order',
      'payment',
      'inventory',
      'cart',
      'shipping',
      'catalog',
      'notification',
      'recommendation',
    );
  });

  for (const { seed, orders, faults, about } of regressions)
    it(`keeps seed ${seed} mended: ${about}`, async () => {
      const result = await simulate({ code, seed, orders, faults, keepTrace: true });
      expect(result.violations.length, failureText(result)).to.equal(0);
    });
});
