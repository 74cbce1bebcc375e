import { expect } from 'chai';
import { createCallPolicy } from './authority.js';

describe('who may call what', () => {
  const policy = createCallPolicy({ order: ['meshmart.cart.v1.CartService/GetCart'], cart: [] });

  it('is what the manifests declare, and nothing else', () => {
    expect(policy.allows('order', '/meshmart.cart.v1.CartService/GetCart')).to.equal(true);
    expect(policy.allows('order', '/meshmart.cart.v1.CartService/ClearCart')).to.equal(false);
    expect(policy.allows('cart', '/meshmart.cart.v1.CartService/GetCart')).to.equal(false);
  });

  for (const caller of ['', 'Order', 'nobody', 'outside', '__proto__', 'constructor', 'toString']) {
    it(`is nothing for '${caller}'`, () => {
      expect(policy.allows(caller, '/meshmart.cart.v1.CartService/GetCart')).to.equal(false);
    });
  }
});
