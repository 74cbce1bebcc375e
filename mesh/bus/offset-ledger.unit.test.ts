import { expect } from 'chai';
import fc from 'fast-check';
import { countDone, createOffsetLedger } from './offset-ledger.js';

describe('the ledger of a partition', () => {
  it('commits the first offset that is not dealt with', () => {
    const ledger = createOffsetLedger({ offset: 10, metadata: '' });
    for (const offset of [10, 11, 12]) expect(ledger.begin(offset)).to.equal(true);
    expect(ledger.mark().offset).to.equal(10);
    ledger.done(10);
    expect(ledger.mark()).to.deep.equal({ offset: 11, metadata: '' });
    ledger.done(12);
    expect(ledger.mark().offset).to.equal(11);
    ledger.done(11);
    expect(ledger.mark()).to.deep.equal({ offset: 13, metadata: '' });
  });

  it('passes over offsets that hold no record', () => {
    const ledger = createOffsetLedger({ offset: 0, metadata: '' });
    ledger.begin(0);
    ledger.begin(7);
    ledger.done(0);
    expect(ledger.mark().offset).to.equal(7);
    ledger.done(7);
    expect(ledger.mark().offset).to.equal(8);
  });

  it('takes nothing twice', () => {
    const ledger = createOffsetLedger({ offset: 5, metadata: '' });
    expect(ledger.begin(4)).to.equal(false);
    expect(ledger.begin(5)).to.equal(true);
    expect(ledger.begin(5)).to.equal(false);
    ledger.done(5);
    expect(ledger.begin(5)).to.equal(false);
  });

  it('leaves a successor exactly what is not dealt with, whatever ended in which order', () => {
    fc.assert(
      fc.property(
        fc.nat({ max: 1_000_000 }),
        fc.uniqueArray(fc.nat({ max: 300 }), { minLength: 1, maxLength: 120 }),
        fc.infiniteStream(fc.boolean()),
        (start, distances, ended) => {
          const offsets = distances.map((distance) => start + distance).sort((left, right) => left - right);
          const first = createOffsetLedger({ offset: start, metadata: '' });
          for (const offset of offsets) first.begin(offset);
          const open = offsets.filter((offset) => {
            if (!ended.next().value) return true;
            first.done(offset);
            return false;
          });
          const mark = first.mark();
          const second = createOffsetLedger(mark);
          expect(offsets.filter((offset) => second.begin(offset))).to.deep.equal(open);
          expect(countDone(mark)).to.equal(
            offsets.filter((offset) => offset >= mark.offset && !open.includes(offset)).length,
          );
        },
      ),
    );
  });

  it('says how far it reads ahead of what is not dealt with', () => {
    const ledger = createOffsetLedger({ offset: 100, metadata: '' });
    expect(ledger.window()).to.equal(0);
    for (let offset = 100; offset < 150; offset += 1) ledger.begin(offset);
    for (let offset = 101; offset < 150; offset += 1) ledger.done(offset);
    expect(ledger.window()).to.equal(50);
    ledger.done(100);
    expect(ledger.window()).to.equal(0);
  });

  it('leaves out a text that Kafka would refuse: then some come again, and nothing is lost', () => {
    const ledger = createOffsetLedger({ offset: 0, metadata: '' });
    for (let offset = 0; offset < 40_000; offset += 1) ledger.begin(offset);
    for (let offset = 1; offset < 40_000; offset += 1) ledger.done(offset);
    expect(ledger.mark()).to.deep.equal({ offset: 0, metadata: '' });
  });

  it('passes over a text that is not its own', () => {
    for (const metadata of ['checked by hand', 'done:', 'done:!!!', 'x'.repeat(5_000)]) {
      const ledger = createOffsetLedger({ offset: 3, metadata });
      expect(ledger.begin(3)).to.equal(true);
      expect(countDone({ offset: 3, metadata })).to.equal(0);
    }
  });
});
