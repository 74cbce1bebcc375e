import { expect } from 'chai';
import fc from 'fast-check';
import { seededRandom } from '../testing/seeded-random.js';
import { createIdSource } from './id.js';

/** The last moment that 48 bits of milliseconds can tell, in the year 10889. */
const lastMs = 2 ** 48 - 1;
const moment = fc.integer({ min: 0, max: lastMs });
const at = (ms: number, random = seededRandom()) =>
  createIdSource({ nowMs: () => ms, monotonicMs: () => 0 }, random);

describe('an id', () => {
  it('is its prefix and 26 characters that nobody mistakes for each other', () => {
    fc.assert(
      fc.property(moment, fc.integer(), (ms, seed) => {
        expect(at(ms, seededRandom(seed))('ord')).to.match(/^ord_[0-9abcdefghjkmnpqrstvwxyz]{26}$/);
      }),
    );
  });

  it('sorts by the millisecond in which it was made', () => {
    fc.assert(
      fc.property(moment, moment, fc.integer(), fc.integer(), (one, other, seed, otherSeed) => {
        fc.pre(one !== other);
        const ids = [at(one, seededRandom(seed))('ord'), at(other, seededRandom(otherSeed))('ord')] as const;
        expect(ids[0] < ids[1]).to.equal(one < other);
      }),
    );
  });

  it('tells its time the way a ULID does', () => {
    // The example of the ULID specification: 1469918176385 is 01ARYZ6S41.
    expect(at(1_469_918_176_385)('ord').slice(4, 14)).to.equal('01aryz6s41');
  });

  it('is another one each time, within one millisecond too', () => {
    const ids = at(1);
    expect(new Set(Array.from({ length: 10_000 }, () => ids('ord'))).size).to.equal(10_000);
  });

  it('sorts in the order of one process, within a millisecond and after the clock was set back', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 2 }), fc.integer(), (times, seed) => {
        const waiting = [...times];
        const nowMs = () => waiting.shift() ?? 0;
        const ids = createIdSource({ nowMs, monotonicMs: () => 0 }, seededRandom(seed));
        const made = times.map(() => ids('ord'));
        expect([...made].sort()).to.deep.equal(made);
      }),
    );
  });

  it('does not tell the next one: half of the random part is drawn anew', () => {
    const ids = at(1);
    const ends = Array.from({ length: 1_000 }, () => ids('ord').slice(-8));
    expect(new Set(ends).size).to.equal(1_000);
    expect([...ends].sort()).to.not.deep.equal(ends);
  });

  it('takes every random bit that it shows from its source', () => {
    const none = createIdSource(
      { nowMs: () => 0, monotonicMs: () => 0 },
      { ...seededRandom(), bytes: (length) => new Uint8Array(length) },
    );
    expect(none('x')).to.equal(`x_${'0'.repeat(26)}`);
    const all = createIdSource(
      { nowMs: () => 0, monotonicMs: () => 0 },
      { ...seededRandom(), bytes: (length) => new Uint8Array(length).fill(255) },
    );
    expect(all('x')).to.equal(`x_${'0'.repeat(10)}f${'z'.repeat(15)}`);
  });
});
