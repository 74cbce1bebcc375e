import { expect } from 'chai';
import fc from 'fast-check';
import { attributeValue, limitedAttributes, spanLimits, truncated } from './span-limits.js';

describe('span limits', () => {
  it('cut a text to whole characters within the limit, and leave a shorter one alone', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', maxLength: 60 }),
        fc.integer({ min: 0, max: 80 }),
        (text, limit) => {
          const cut = truncated(text, limit);
          // Half a character would come back as U+FFFD, and the cut would no longer be how the text begins.
          expect(text.startsWith(cut)).to.equal(true);
          expect(Buffer.byteLength(cut)).to.be.at.most(limit);
          if (Buffer.byteLength(text) <= limit) expect(cut).to.equal(text);
          else expect(Buffer.byteLength(cut)).to.be.greaterThan(limit - 4);
        },
      ),
    );
  });

  it('keep at most 64 attributes, each with at most 1 KiB', () => {
    const many = Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`a${n}`, 'x'.repeat(2_000)]));
    const kept = limitedAttributes(many);
    expect(Object.keys(kept)).to.have.length(spanLimits.attributes);
    expect(kept['a0']).to.equal('x'.repeat(1_024));
  });

  it('leave out what no attribute can be, and write down what no JSON number can', () => {
    expect([null, undefined, {}, [], () => 1, Symbol('s')].map(attributeValue)).to.deep.equal(
      Array(6).fill(undefined),
    );
    expect([Number.NaN, 12n, true, 1.5].map(attributeValue)).to.deep.equal(['NaN', '12', true, 1.5]);
  });
});
