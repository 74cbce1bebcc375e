import { expect } from 'chai';
import fc from 'fast-check';
import { placedProducts } from '../seed/catalogue.js';
import { motifs } from './motif.js';
import { paletteOf } from './palette.js';
import { picture } from './picture.js';

const products = placedProducts();

/** Fails unless each tag is closed in order; enough of XML for what we write. */
function expectWellFormed(svg: string): void {
  const open: string[] = [];
  for (const [, closing, name, selfClosing] of svg.matchAll(/<(\/?)([a-z]+)[^<>]*?(\/?)>/gi)) {
    if (closing === '/') expect(open.pop()).to.equal(name);
    else if (selfClosing !== '/') open.push(name ?? '');
  }
  expect(open).to.deep.equal([]);
}

describe('picture', () => {
  it('is below 6 KB and well formed for every product', () => {
    for (const product of products) {
      const svg = picture(product);
      expect(Buffer.byteLength(svg), product.id).to.be.below(6_000);
      expectWellFormed(svg);
      expect(svg, product.id).not.to.match(/NaN|undefined|Infinity/);
    }
  });

  it('is the same each time, and another for each product', () => {
    expect(products.map(picture)).to.deep.equal(products.map(picture));
    expect(new Set(products.map(picture)).size).to.equal(products.length);
  });

  it('holds no script, style, link or event handler', () => {
    for (const product of products) {
      expect(picture(product)).not.to.match(/<(script|style|image|use|a|foreignObject)\b|\bon\w+=|href/i);
    }
  });

  it('tells its name and what it is to those who do not see it', () => {
    const [kettle] = products;
    if (kettle === undefined) throw new Error('no products');
    const svg = picture(kettle);
    expect(svg).to.contain('role="img"').and.to.contain(`>${kettle.name}</title>`);
    expect(svg).to.contain(
      '>A kettle of steel under two coats of enamel, for gas, induction and open fire.</desc>',
    );
  });

  it('takes any name and description as text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string(), fc.string(), (id, name, description) => {
        const svg = picture({ id, name: `${name}<script>`, description, motif: 'kettle' });
        expect(svg).not.to.contain('<script>');
        expectWellFormed(svg);
      }),
    );
  });

  it('draws a parcel for a motif that it does not know', () => {
    const unknown = { id: 'prd_x', name: 'X', description: 'X.', motif: 'constructor' };
    expect(picture(unknown)).to.equal(picture({ ...unknown, motif: 'no such thing' }));
  });

  it('gives products that show the same thing different colours', () => {
    const coloured = products.map(({ id, motif }) => `${motif} ${paletteOf(id).main}`);
    expect(new Set(coloured).size).to.equal(coloured.length);
  });

  it('uses every motif', () => {
    expect(new Set(products.map(({ motif }) => motif))).to.deep.equal(new Set(Object.keys(motifs)));
  });
});
