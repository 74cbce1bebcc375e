import { expect } from 'chai';
import { runCampaign, type SeedResult, sumOf } from './campaign.js';
import { faultKinds } from './nemesis.js';

/** What every commit must survive. */
const seeds = Array.from({ length: 20 }, (_, index) => index + 1);
const orders = 1_000;
const faults = 1_000;

describe('the simulated shop, over many seeds', function () {
  this.timeout(600_000);
  let results: readonly SeedResult[];
  before(async () => {
    results = await runCampaign({ seeds, orders, faults, workers: 2 });
  });

  it(`keeps every invariant over ${seeds.length * orders} purchases under ${seeds.length * faults} faults`, () => {
    const failed = results
      .filter(({ violations }) => violations.length > 0)
      .map(
        ({ seed, violations }) =>
          `seed ${seed}: ${violations.map(({ invariant, subject, message }) => `${invariant} ${subject} ${message}`).join('; ')}` +
          `\n  again: meshmart sim --seed ${seed} --orders ${orders} --faults ${faults}`,
      );
    expect(failed.join('\n')).to.equal('');
    const sum = (what: 'orders' | 'faults') => results.reduce((total, result) => total + result[what], 0);
    expect(sum('orders')).to.be.at.least(seeds.length * orders);
    expect(sum('faults')).to.be.at.least(seeds.length * faults);
  });

  it('has seen every kind of fault, and every way an order ends', () => {
    const kinds = sumOf(results.map(({ faultsByKind }) => faultsByKind));
    for (const kind of faultKinds) expect(kinds[kind] ?? 0, kind).to.be.greaterThan(20);
    const states = sumOf(results.map((result) => result.states));
    expect(Object.keys(states)).to.have.members(['SHIPPED', 'REJECTED', 'CANCELLED']);
    for (const [state, count] of Object.entries(states)) expect(count, state).to.be.greaterThan(20);
  });
});
