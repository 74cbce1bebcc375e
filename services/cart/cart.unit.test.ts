import { expect } from 'chai';
import fc from 'fast-check';
import { MeshError } from '../../mesh/contract/error.js';
import { fromCents } from '../../mesh/contract/money.js';
import {
  addLine,
  cartOf,
  type Line,
  maxLines,
  maxQuantity,
  mergeLines,
  removeLine,
  setQuantity,
  subtractLines,
} from './cart.js';

const article = (productId: string, cents = 100) => ({
  productId,
  productName: `The ${productId}`,
  unitPrice: fromCents('EUR', BigInt(cents)),
});
const line = (productId: string, quantity: number, cents = 100): Line => ({
  ...article(productId, cents),
  quantity,
});
const quantitiesOf = (lines: readonly Line[]) =>
  Object.fromEntries(lines.map(({ productId, quantity }) => [productId, quantity]));
const reasonOf = (work: () => unknown) => {
  try {
    work();
    return 'none';
  } catch (error) {
    return MeshError.from(error).reason;
  }
};

const someLines = fc
  .uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e'))
  .chain((ids) =>
    fc.tuple(
      ...ids.map((id) => fc.integer({ min: 1, max: maxQuantity }).map((quantity) => line(id, quantity))),
    ),
  );

describe('putting pieces in', () => {
  it('adds to the line of the product, which takes the price of today', () => {
    const lines = addLine([line('a', 2, 100), line('b', 1)], article('a', 120), 3);
    expect(lines).to.deep.equal([line('a', 5, 120), line('b', 1)]);
  });

  it('is possible up to 99 pieces a line', () => {
    expect(quantitiesOf(addLine([line('a', 98)], article('a'), 1))).to.deep.equal({ a: 99 });
    expect(reasonOf(() => addLine([line('a', 98)], article('a'), 2))).to.equal('CART_LINE_LIMIT');
  });

  it('is possible up to 100 lines', () => {
    const full = Array.from({ length: maxLines }, (_each, index) => line(`p${index}`, 1));
    expect(reasonOf(() => addLine(full, article('new'), 1))).to.equal('CART_FULL');
    expect(addLine(full, article('p5'), 1)).to.have.length(maxLines);
  });
});

describe('changing a line', () => {
  it('sets its pieces and keeps the price that was agreed to', () => {
    expect(setQuantity([line('a', 2, 100)], 'a', 7)).to.deep.equal([line('a', 7, 100)]);
    expect(reasonOf(() => setQuantity([], 'a', 7))).to.equal('CART_LINE_NOT_FOUND');
  });

  it('by removing it is harmless when it is not there', () => {
    expect(removeLine([line('a', 2)], 'b')).to.deep.equal([line('a', 2)]);
    expect(removeLine([line('a', 2)], 'a')).to.deep.equal([]);
  });
});

describe("merging a guest's cart", () => {
  it("adds quantities up to the limit and keeps the user's own price", () => {
    const merged = mergeLines([line('a', 60, 100), line('b', 1)], [line('a', 60, 90), line('c', 3, 70)]);
    expect(merged).to.deep.equal([line('a', 99, 100), line('b', 1), line('c', 3, 70)]);
  });

  it('never breaks a limit and never takes a piece of the user away', () => {
    fc.assert(
      fc.property(someLines, someLines, (mine, guests) => {
        const merged = quantitiesOf(mergeLines(mine, guests));
        const [own, theirs] = [quantitiesOf(mine), quantitiesOf(guests)];
        for (const id of ['a', 'b', 'c', 'd', 'e']) {
          expect(merged[id] ?? 0).to.equal(Math.min(maxQuantity, (own[id] ?? 0) + (theirs[id] ?? 0)));
        }
      }),
    );
  });

  it('changes nothing for a guest without pieces', () => {
    fc.assert(
      fc.property(someLines, (mine) => {
        expect(mergeLines(mine, [])).to.deep.equal(mine);
      }),
    );
  });
});

describe('what was ordered', () => {
  it('leaves the cart, and what was put in since stays', () => {
    const left = subtractLines(
      [line('a', 5), line('b', 2), line('c', 1)],
      [line('a', 3), line('b', 2), line('d', 1)],
    );
    expect(left).to.deep.equal([line('a', 2), line('c', 1)]);
  });

  it('is the opposite of putting it in', () => {
    fc.assert(
      fc.property(someLines, someLines, (before, ordered) => {
        const after = quantitiesOf(subtractLines(before, ordered));
        const [own, taken] = [quantitiesOf(before), quantitiesOf(ordered)];
        for (const id of Object.keys(own)) {
          const rest = (own[id] ?? 0) - (taken[id] ?? 0);
          expect(after[id]).to.equal(rest > 0 ? rest : undefined);
        }
      }),
    );
  });
});

describe('a cart as it is shown', () => {
  it('has the sum of its lines, and none when it is empty', () => {
    const cart = cartOf([line('a', 2, 1_050), line('b', 3, 99)], 4);
    expect(cart.subtotal).to.deep.equal(fromCents('EUR', 2_397n));
    expect(cart.lines[0]?.lineTotal).to.deep.equal(fromCents('EUR', 2_100n));
    expect(cart.version).to.equal(4n);
    expect(cartOf([], 0).subtotal).to.equal(undefined);
  });
});
