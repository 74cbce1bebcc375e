import { expect } from 'chai';
import fc from 'fast-check';
import { MeshError } from '../../mesh/contract/error.js';
import { equal, fromCents, sum } from '../../mesh/contract/money.js';
import type { CartLine } from '../../proto/gen/meshmart/cart/v1/cart.js';
import { Product } from '../../proto/gen/meshmart/catalog/v1/catalog.js';
import { ShippingOption } from '../../proto/gen/meshmart/shipping/v1/shipping.js';
import { orderLines, priceOrder, weightOf } from './pricing.js';

const cents = (amount: number) => fromCents('EUR', BigInt(amount));
const product = (id: string, price: number, weightGrams = 100) =>
  Product.fromPartial({ id, name: `The ${id}`, price: cents(price), weightGrams });
const inCart = (productId: string, quantity: number, price: number): CartLine => ({
  productId,
  productName: productId,
  quantity,
  unitPrice: cents(price),
  lineTotal: cents(price * quantity),
});
const options = [ShippingOption.fromPartial({ id: 'standard', cost: cents(490) })];
const price = (cart: CartLine[], products: Product[], expected?: number, option = 'standard') =>
  priceOrder(
    orderLines(cart, products),
    cart,
    options,
    option,
    expected === undefined ? undefined : cents(expected),
  );
const errorOf = (work: () => unknown): MeshError => {
  try {
    work();
  } catch (error) {
    return MeshError.from(error);
  }
  throw new Error('it did not throw');
};

describe('the price of an order', () => {
  it("is today's prices and shipping", () => {
    const priced = price(
      [inCart('a', 2, 1_000), inCart('b', 1, 99)],
      [product('b', 99), product('a', 1_000)],
    );
    expect(priced.subtotal).to.deep.equal(cents(2_099));
    expect(priced.shippingCost).to.deep.equal(cents(490));
    expect(priced.total).to.deep.equal(cents(2_589));
    expect(priced.lines[0]).to.include({
      productId: 'a',
      productName: 'The a',
      quantity: 2,
      weightGrams: 100,
    });
  });

  it('is what the buyer agreed to: the prices in the cart, unless a total is expected', () => {
    const error = errorOf(() => price([inCart('a', 2, 1_000)], [product('a', 1_100)]));
    expect(error).to.include({ code: 'ABORTED', reason: 'PRICE_CHANGED' });
    expect(error.metadata).to.deep.equal({
      newTotal: '26.90',
      newTotalUnits: '26',
      newTotalNanos: '900000000',
      currencyCode: 'EUR',
    });
    expect(error.message).to.include('26.90 EUR');
    expect(price([inCart('a', 2, 1_000)], [product('a', 1_100)], 2_690).total).to.deep.equal(cents(2_690));
    expect(errorOf(() => price([inCart('a', 2, 1_000)], [product('a', 1_000)], 2_489)).reason).to.equal(
      'PRICE_CHANGED',
    );
  });

  it('is refused for an unknown way to ship and a product that is gone', () => {
    const option = errorOf(() => price([inCart('a', 1, 100)], [product('a', 100)], undefined, 'drone'));
    expect(option).to.include({ code: 'INVALID_ARGUMENT', reason: 'SHIPPING_OPTION_NOT_FOUND' });
    expect(option.violations.map(({ field }) => field)).to.deep.equal(['shippingOptionId']);
    const gone = errorOf(() => price([inCart('a', 1, 100)], []));
    expect(gone).to.include({ code: 'FAILED_PRECONDITION', reason: 'PRODUCT_NOT_FOUND' });
  });

  it('adds up, to the cent, and is passed only when it is what was expected', () => {
    const line = fc.record({
      quantity: fc.integer({ min: 1, max: 99 }),
      price: fc.integer({ min: 1, max: 1e7 }),
    });
    fc.assert(
      fc.property(
        fc.array(line, { minLength: 1, maxLength: 20 }),
        fc.integer({ min: -2, max: 2 }),
        (lines, off) => {
          const cart = lines.map((each, index) => inCart(`p${index}`, each.quantity, each.price));
          const products = lines.map((each, index) => product(`p${index}`, each.price));
          const total = lines.reduce((all, each) => all + each.quantity * each.price, 490);
          if (off !== 0) {
            expect(errorOf(() => price(cart, products, total + off)).reason).to.equal('PRICE_CHANGED');
            return;
          }
          const priced = price(cart, products, total);
          const parts = [...priced.lines.map((each) => each.lineTotal ?? cents(0)), priced.shippingCost];
          expect(equal(sum('EUR', parts), priced.total)).to.equal(true);
        },
      ),
    );
  });
});

describe('the weight of an order', () => {
  it('is that of all pieces, and never more than a shipment may have', () => {
    const cart = [inCart('a', 2, 100), inCart('b', 3, 100)];
    expect(weightOf(orderLines(cart, [product('a', 100, 250), product('b', 100, 10)]))).to.equal(530);
    const heavy = Array.from({ length: 5 }, (_each, index) => inCart(`h${index}`, 99, 100));
    const products = heavy.map((each) => product(each.productId, 100, 30_000));
    expect(weightOf(orderLines(heavy, products))).to.equal(1_000_000);
  });
});
