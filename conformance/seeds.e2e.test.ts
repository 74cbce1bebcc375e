import { expect } from 'chai';
import { placedProducts } from '../services/catalog/seed/catalogue.js';
import { initialStock } from '../services/inventory/initial-stock.js';

/** The two services don't know each other's seed: this is where they are compared. */
describe('the seeds of catalog and inventory', () => {
  it('name the same products', () => {
    const listed = placedProducts().map(({ id }) => id);
    expect(Object.keys(initialStock).sort()).to.deep.equal(listed.sort());
  });

  it('have something of each product to sell', () => {
    for (const [productId, pieces] of Object.entries(initialStock)) {
      expect(pieces, productId).to.be.above(0);
    }
  });
});
