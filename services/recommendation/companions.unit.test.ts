import { expect } from 'chai';
import fc from 'fast-check';
import { neighbourhoods, rank } from './companions.js';

const id = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f');

describe('what an order teaches', () => {
  it('is each of its products with the others, once', () => {
    expect(neighbourhoods(['b', 'a', 'b', 'c'])).to.deep.equal([
      { productId: 'a', others: ['b', 'c'] },
      { productId: 'b', others: ['a', 'c'] },
      { productId: 'c', others: ['a', 'b'] },
    ]);
  });

  it('is nothing for one product', () => {
    expect(neighbourhoods(['a', 'a'])).to.deep.equal([]);
    expect(neighbourhoods([])).to.deep.equal([]);
  });

  it('is the same from both sides of a pair', () => {
    fc.assert(
      fc.property(fc.array(id), (ids) => {
        const pairs = neighbourhoods(ids).flatMap(({ productId, others }) =>
          others.map((other) => `${productId}${other}`),
        );
        for (const pair of pairs) expect(pairs).to.include([...pair].reverse().join(''));
      }),
    );
  });
});

describe('rank', () => {
  it('puts what was bought together most often first, equals by id, then the fillers', () => {
    const companions = [
      { productId: 'c', orders: 1 },
      { productId: 'b', orders: 1 },
      { productId: 'd', orders: 9 },
    ];
    expect(rank('a', companions, ['f', 'd', 'a', 'e'], 5)).to.deep.equal([
      { productId: 'd', orders: 9 },
      { productId: 'b', orders: 1 },
      { productId: 'c', orders: 1 },
      { productId: 'f', orders: 0 },
      { productId: 'e', orders: 0 },
    ]);
  });

  it('never recommends the product itself, nor anything twice, nor more than asked for', () => {
    const companion = fc.record({ productId: id, orders: fc.integer({ min: 1, max: 5 }) });
    fc.assert(
      fc.property(
        id,
        fc.array(companion),
        fc.array(id),
        fc.nat(8),
        (productId, companions, fillers, size) => {
          const ids = rank(productId, companions, fillers, size).map((ranked) => ranked.productId);
          expect(ids).not.to.include(productId);
          expect(new Set(ids).size).to.equal(ids.length);
          expect(ids.length).to.be.at.most(size);
        },
      ),
    );
  });
});
