import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { loadShop } from '../../mesh/shape/loaded-shop.js';

/** By what verify-cluster.sh has written of every state of every pod, in all namespaces, since before the install. */
describe('the memory of every pod, in the whole run', () => {
  const watched = ['consul', 'redis', 'postgres', 'jaeger', 'istiod', 'shop-istio', 'autoscaler'];
  let lines: string[];
  before(() => {
    lines = readFileSync(process.env['MESHMART_POD_LOG'] ?? '', 'utf8').split('\n');
  });

  it('was watched', () => {
    const names = [...loadShop().manifests.map(({ name }) => name), ...watched];
    const unseen = names.filter((name) => !lines.some((line) => line.startsWith(`${name}-`)));
    expect(unseen).to.deep.equal([]);
  });

  it('was enough: no container was killed for it', () => {
    expect(lines.filter((line) => line.includes('OOMKilled'))).to.deep.equal([]);
  });
});
