import { expect } from 'chai';
import { type HuntResult, hunt } from './hunt.js';
import type { Mutant } from './mutant.js';
import { mutants } from './mutants.js';

const orders = 60;
const faults = 240;
/** Enough for nearly all of them: rare kills get more seeds than the control does. */
const mostSeeds = 20;

/** The code as it is, over the same seeds: what kills a mutant must not be the simulation itself. */
const unchanged: Mutant = { name: 'unchanged', edits: [], killedBy: 'none', withinSeeds: mostSeeds };

describe('the simulation, with a bug planted', function () {
  this.timeout(900_000);
  let results: ReadonlyMap<string, HuntResult>;
  before(async () => {
    results = await hunt([unchanged, ...mutants], { workers: 2, orders, faults });
  });

  for (const { name, killedBy, withinSeeds } of mutants)
    it(`kills "${name}" by ${killedBy} within ${withinSeeds} ${withinSeeds === 1 ? 'seed' : 'seeds'}`, () => {
      const result = results.get(name);
      expect(result?.killedAt, `it survived: each seed found ${JSON.stringify(result?.violated)}`).to.be.a(
        'number',
      );
    });

  it(`finds nothing in the code as it is, over the same ${mostSeeds} seeds`, () => {
    const violated = Object.entries(results.get('unchanged')?.violated ?? {});
    expect(violated).to.have.length(mostSeeds);
    // I14 is no mistake of the shop's: it tells a seed that shows little. Of 60 purchases under 240 faults 39 end well (40 seeds;
    // standard deviation 5), so that now and then a seed has fewer than half. Most must show something.
    const wrong = violated.filter(([, invariants]) => invariants.some((invariant) => invariant !== 'I14'));
    expect(wrong).to.deep.equal([]);
    const showLittle = violated.filter(([, invariants]) => invariants.includes('I14'));
    expect(showLittle.length).to.be.below(mostSeeds / 4);
  });
});
