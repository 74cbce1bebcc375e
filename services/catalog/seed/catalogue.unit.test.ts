import { expect } from 'chai';
import { fromCents } from '../../../mesh/contract/money.js';
import { priceViolations } from '../price.js';
import { placedProducts, seedCategories } from './catalogue.js';

const products = placedProducts();

describe('the seed catalogue', () => {
  it('has at least 60 products in 6 categories', () => {
    expect(products.length).to.be.at.least(60);
    expect(seedCategories).to.have.length(6);
  });

  it('gives each product an id, a name and a description of its own', () => {
    for (const pick of ['id', 'name', 'description'] as const) {
      expect(new Set(products.map((product) => product[pick])).size).to.equal(products.length);
    }
  });

  it('has readable ids', () => {
    for (const { id } of products) expect(id).to.match(/^prd_[a-z0-9]+(-[a-z0-9]+)*$/);
  });

  it('describes each product in two or three sentences', () => {
    for (const { id, description } of products) {
      expect(description.match(/[.!?](?=\s|$)/g)?.length, id).to.be.within(2, 3);
    }
  });

  it('has prices that the shop allows and weights that a parcel can have', () => {
    for (const { id, cents, weightGrams } of products) {
      expect(priceViolations(fromCents('EUR', BigInt(cents))), id).to.deep.equal([]);
      expect(weightGrams, id).to.be.within(10, 30_000);
    }
  });

  it('has single words as tags', () => {
    for (const { id, tags } of products) {
      expect(tags, id).not.to.be.empty;
      for (const tag of tags) expect(tag).to.match(/^[a-z]+$/);
    }
  });

  it('mixes the categories, and numbers the products without gaps', () => {
    expect(new Set(products.slice(0, 6).map(({ category }) => category)).size).to.equal(6);
    expect(products.map(({ position }) => position)).to.deep.equal(products.map((_, index) => index + 1));
  });
});
