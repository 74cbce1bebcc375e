import { expect } from 'chai';
import fc from 'fast-check';
import { MeshError } from '../../mesh/contract/error.js';
import { decodePageToken, encodePageToken } from './page-token.js';

function refusal(token: string): MeshError {
  try {
    decodePageToken(token, 'products/');
  } catch (error) {
    return MeshError.from(error);
  }
  throw new Error(`${token} was taken`);
}

describe('page token', () => {
  it('brings back the position that it was made of', () => {
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: 1 }), (list, after) => {
        expect(decodePageToken(encodePageToken(list, after), list)).to.equal(after);
      }),
    );
  });

  it('begins at the start when it is empty', () => {
    expect(decodePageToken('', 'products/')).to.equal(0);
  });

  it('is refused, naming pageToken, when another list gave it or nobody did', () => {
    const wrong = [
      encodePageToken('products/desk', 3),
      'x',
      '%%',
      encodePageToken('products/', -1),
      encodePageToken('products/', 0.5),
    ];
    for (const token of wrong) {
      const { code, violations } = refusal(token);
      expect(code).to.equal('INVALID_ARGUMENT');
      expect(violations.map(({ field }) => field)).to.deep.equal(['pageToken']);
    }
  });
});
