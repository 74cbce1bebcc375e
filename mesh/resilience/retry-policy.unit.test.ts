import { experimental, type ServiceConfig } from '@grpc/grpc-js';
import { expect } from 'chai';
import { loadContract } from '../contract/image.js';
import { type Policies, readPolicies } from '../contract/policy.js';
import { readImage } from '../shape/package-files.js';
import { serviceConfigFor } from './retry-policy.js';

describe('the service config of an edge', () => {
  let policies: Policies;
  before(() => {
    policies = readPolicies(loadContract(readImage()));
  });
  const repeated = (service: string) =>
    serviceConfigFor([service], policies).methodConfig.flatMap(({ name }) =>
      name.map(({ method }) => method),
    );

  it('repeats reads and idempotent commands, and nothing else', () => {
    expect(repeated('meshmart.cart.v1.CartService')).to.have.members([
      'GetCart',
      'UpdateItem',
      'RemoveItem',
      'ClearCart',
      'MergeCart',
    ]);
    expect(repeated('meshmart.payment.v1.PaymentService')).to.not.include('TokenizeCard');
    for (const service of new Set([...policies.values()].map((policy) => policy.service))) {
      for (const method of repeated(service))
        expect(policies.get(`/${service}/${method}`)?.idempotency).to.not.equal('unknown');
    }
  });

  it('repeats only what never reached the callee, three attempts in all, with a budget', () => {
    const { methodConfig, retryThrottling } = serviceConfigFor(['meshmart.cart.v1.CartService'], policies);
    expect(methodConfig[0]?.retryPolicy).to.deep.include({
      maxAttempts: 3,
      retryableStatusCodes: ['UNAVAILABLE'],
    });
    expect(retryThrottling.tokenRatio).to.equal(0.1);
    expect(retryThrottling.maxTokens).to.be.at.most(1_000);
  });

  it('repeats nothing of a callee that has no such method', () => {
    expect(serviceConfigFor(['no.such.Service'], policies).methodConfig).to.deep.equal([]);
  });

  it('balances our way first, else by plain round robin', () => {
    const config: ServiceConfig = serviceConfigFor([], policies, { baseEjectionMs: 100 });
    expect(config.loadBalancingConfig).to.deep.equal([
      { mesh_round_robin: { baseEjectionMs: 100 } },
      { round_robin: {} },
    ]);
    expect(experimental.selectLbConfigFromList(config.loadBalancingConfig)).to.not.equal(null);
  });

  it('has no timeouts: "0.5s" would be 5 nanoseconds', () => {
    expect(JSON.stringify(serviceConfigFor(['meshmart.cart.v1.CartService'], policies))).to.not.include(
      'timeout',
    );
  });
});
