import { expect } from 'chai';
import { loadShop } from '../../mesh/shape/loaded-shop.js';
import { serviceContracts } from './service-contract.js';

const shop = loadShop();
const contracts = serviceContracts(shop);
const named = (name: string) => {
  const found = contracts.find((contract) => contract.name === name);
  if (found === undefined) throw new Error(`there is no ${name}`);
  return found;
};

describe('what the charts know of a service', () => {
  it('has each call of a manifest at both ends, and no other', () => {
    const declared = shop.manifests.flatMap(({ name, calls }) => calls.map((call) => `${name} /${call}`));
    const outgoing = contracts.flatMap(({ name, calls }) =>
      Object.values(calls).flatMap((paths) => paths.map((path) => `${name} ${path}`)),
    );
    const incoming = contracts.flatMap(({ callers }) =>
      Object.entries(callers).flatMap(([caller, paths]) => paths.map((path) => `${caller} ${path}`)),
    );
    expect(outgoing).to.have.members(declared);
    expect(incoming).to.have.members(declared);
  });

  it('has each method that a service implements, with the deadline of the contract', () => {
    for (const { name, implements: services, methods } of contracts) {
      const policies = [...shop.policies.values()].filter(({ service }) => services.includes(service));
      expect(
        methods.map(({ path, deadlineMs }) => [path, deadlineMs]),
        name,
      ).to.deep.equal(policies.map(({ path, deadlineMs }) => [path, deadlineMs]));
    }
  });

  it('lets the edge ask the health of all others', () => {
    for (const { kind, healthCallers } of contracts)
      expect(healthCallers).to.deep.equal(kind === 'edge' ? [] : ['gateway']);
  });

  it('says which methods may be repeated', () => {
    const repeatable = Object.fromEntries(named('users').methods.map((one) => [one.path, one.repeatable]));
    expect(repeatable['/meshmart.users.v1.UsersService/GetUser']).to.equal(true);
    const policy = shop.policies.get('/meshmart.users.v1.UsersService/Authenticate');
    expect(repeatable['/meshmart.users.v1.UsersService/Authenticate']).to.equal(
      policy?.idempotency !== 'unknown',
    );
  });

  it('names the variable of each setting', () => {
    expect(named('inventory').settings['reservationSeconds']).to.deep.equal({
      env: 'INVENTORY_RESERVATION_SECONDS',
      default: '900',
    });
    expect(named('payment').settings['cardProcessorUrl']?.env).to.equal('CARD_PROCESSOR_URL');
  });

  it('gives a user of Redis to who needs one: everybody where it is the bus, else who keeps documents there', () => {
    for (const { name, redisRules, backends } of contracts) {
      expect(redisRules.bus, name).to.include('-@all');
      expect(redisRules.documents !== '', name).to.equal(backends.includes('redis'));
    }
  });
});
