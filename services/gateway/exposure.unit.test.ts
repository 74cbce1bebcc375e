import { expect } from 'chai';
import type { MethodPolicy } from '../../mesh/contract/policy.js';
import { canaryWish, outgoingMetadata } from './exposure.js';

describe('what a client may say to a service', () => {
  it('is who it is, what it repeats, its trace, and that it wants canaries; nothing that a mesh would believe', () => {
    const passed = {
      authorization: 'Bearer x',
      'idempotency-key': 'k',
      traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
      'x-canary': 'always',
    };
    const sent = {
      ...passed,
      'x-priority': 'critical',
      'x-forwarded-client-cert': 'URI=spiffe://x',
      other: 'y',
    };
    expect(outgoingMetadata(sent, { priority: 'low' } as MethodPolicy)).to.deep.equal({
      ...passed,
      'x-priority': 'low',
    });
  });

  it('is no other word for canaries than the one that routes know', () => {
    expect(canaryWish('always')).to.deep.equal({ 'x-canary': 'always' });
    for (const sent of [undefined, '', 'é', 'Always', ['always', 'always']])
      expect(canaryWish(sent), String(sent)).to.deep.equal({});
  });
});
