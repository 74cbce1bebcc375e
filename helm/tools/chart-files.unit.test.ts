import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { packageRoot } from '../../mesh/runtime/package-root.js';
import { loadShop } from '../../mesh/shape/loaded-shop.js';
import { chartFiles } from './chart-files.js';

const helm = join(packageRoot(), 'helm');
const files = chartFiles(loadShop());

describe('the files of the charts that follow from the manifests', () => {
  for (const [path, text] of files) {
    it(`${path} is what they say: else run npm run helm:values`, () => {
      expect(readFileSync(join(helm, path), 'utf8')).to.equal(text);
    });
  }

  it('are for the services that there are, and no others', () => {
    const made = [...files.keys()].filter((path) => path.startsWith('shop/services/'));
    expect(
      readdirSync(join(helm, 'shop', 'services')).map((name) => `shop/services/${name}`),
    ).to.have.members(made);
  });
});
