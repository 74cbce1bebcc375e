import { expect } from 'chai';
import fc from 'fast-check';
import { searchWords } from './search-words.js';
import { matchExpression } from './sqlite-search.js';

const formsOf = (text: string) => searchWords(text).map(({ forms }) => forms);

describe('search words', () => {
  it('are letters and digits, in lower case', () => {
    expect(formsOf('USB-C 3x "Lamp"!')).to.deep.equal([['usb'], ['c'], ['3x'], ['lamp']]);
  });

  it('leave only the last one unfinished', () => {
    expect(searchWords('red lam').map(({ unfinished }) => unfinished)).to.deep.equal([false, true]);
  });

  it('find singular and plural', () => {
    expect(formsOf('lamp oil lamps glass')).to.deep.equal([
      ['lamp', 'lamps'],
      ['oil'],
      ['lamps', 'lamp'],
      ['glass'],
    ]);
  });

  it('are none in a text without letters and digits', () => {
    for (const text of ['', ' ', '*', '"', '-- ; ()', '\u0301']) expect(searchWords(text)).to.deep.equal([]);
  });

  it('are at most twenty', () => {
    expect(searchWords('a '.repeat(100))).to.have.length(20);
  });

  it('reach the index in quotes, whatever the text', () => {
    expect(matchExpression(searchWords('red OR lam*'))).to.equal('("red") AND ("or") AND ("lam"*)');
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const outside = matchExpression(searchWords(text))
          .replaceAll(/"[^"]*"/g, '')
          .replaceAll(/ AND | OR /g, '');
        expect(outside).to.match(/^[()*]*$/);
      }),
    );
  });
});
