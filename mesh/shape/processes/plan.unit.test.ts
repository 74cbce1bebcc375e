import { expect } from 'chai';
import { StartupError } from '../../runtime/startup-error.js';
import { loadShop } from '../loaded-shop.js';
import { parseScale, planInstances } from './plan.js';

const { manifests } = loadShop();

describe('the plan of processes', () => {
  it('has one instance of each service, the gateway last', () => {
    const plan = planInstances(manifests, {});
    expect(plan).to.have.length(10);
    expect(plan.at(-1)).to.deep.equal({ service: 'gateway', number: 1 });
    expect(new Set(plan.map(({ service }) => service)).size).to.equal(10);
  });

  it('has as many of a service as --scale asks for', () => {
    const plan = planInstances(manifests, parseScale(['catalog=3', 'gateway=2'], manifests));
    expect(plan.filter(({ service }) => service === 'catalog').map(({ number }) => number)).to.deep.equal([
      1, 2, 3,
    ]);
    expect(plan.filter(({ service }) => service === 'gateway')).to.have.length(2);
  });

  for (const [option, wanted] of [
    ['catalogue=2', /names 'catalogue', which is no service.*catalog/],
    ['catalog', /--scale is 'catalog'/],
    ['catalog=0', /asks for 0 of catalog/],
    ['catalog=99', /asks for 99 of catalog.*service.yaml allows/],
    ['catalog=-1', /--scale is 'catalog=-1'/],
    ['catalog=1e2', /--scale is/],
  ] as const) {
    it(`refuses --scale ${option} in one clear line`, () => {
      expect(() => parseScale([option], manifests)).to.throw(StartupError, wanted);
    });
  }
});
