import { expect } from 'chai';
import fc from 'fast-check';
import { queryOf, vectorOf } from './postgres-search.js';
import { searchWords } from './search-words.js';

describe('search by tsvector', () => {
  it('keeps each word with its place and its weight, in small letters and without accents', () => {
    expect(vectorOf(['Café Lamp', 'A'], ['light', 'B'], ['A lamp.', 'C'])).to.equal(
      "'cafe':1A 'lamp':2A 'light':3B 'a':4C 'lamp':5C",
    );
  });

  it('asks for all words, in any form, and for the beginning of the last', () => {
    expect(queryOf(searchWords('Désks lamp'))).to.equal("('desks' | 'desk') & ('lamp':*)");
  });

  it('lets nothing of its own syntax through, whatever is asked', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const words = queryOf(searchWords(text));
        expect(words.replace(/'[\p{L}\p{N}]+'(:\*)?/gu, 'w')).to.match(
          /^(\(w( \| w)*\)( & \(w( \| w)*\))*)?$/,
        );
      }),
    );
  });
});
