import { expect } from 'chai';
import fc from 'fast-check';
import { seededRandom } from './seeded-random.js';

describe('seeded random', () => {
  it('gives the same sequence for the same seed', () => {
    fc.assert(
      fc.property(fc.integer(), fc.nat(50), (seed, count) => {
        const [first, second] = [seededRandom(seed), seededRandom(seed)];
        for (let n = 0; n < count; n += 1) expect(first.next()).to.equal(second.next());
        expect(first.bytes(count)).to.deep.equal(second.bytes(count));
      }),
    );
  });

  it('gives other sequences for other seeds', () => {
    const starts = new Set(Array.from({ length: 1_000 }, (_, seed) => seededRandom(seed).next()));
    expect(starts.size).to.equal(1_000);
  });

  it('stays in [0, 1) and spreads evenly over it', () => {
    const random = seededRandom(7);
    const tenths = new Array<number>(10).fill(0);
    for (let n = 0; n < 10_000; n += 1) {
      const value = random.next();
      expect(value).to.be.within(0, 1 - Number.EPSILON);
      const tenth = Math.floor(value * 10);
      tenths[tenth] = (tenths[tenth] ?? 0) + 1;
    }
    for (const count of tenths) expect(count).to.be.within(850, 1_150);
  });

  it('spreads its bytes over all values', () => {
    expect(new Set(seededRandom(3).bytes(10_000)).size).to.equal(256);
    expect(seededRandom(3).secretBytes(16)).to.have.length(16);
  });

  it('refuses a seed that is not a whole number', () => {
    expect(() => seededRandom(0.5)).to.throw(RangeError, 'seed is 0.5');
  });
});
