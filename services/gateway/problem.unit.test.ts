import { expect } from 'chai';
import { codes, invalidRequest, MeshError, type Reason } from '../../mesh/contract/error.js';
import { problemOf } from './problem.js';

const told = (error: unknown) => problemOf(error, '/v1/orders', '0af7651916cd43dd8448eb211c80319c');

describe('a problem', () => {
  it('has the members of RFC 9457, the reason of the contract and the id of the trace', () => {
    const error = new MeshError({
      code: 'FAILED_PRECONDITION',
      reason: 'OUT_OF_STOCK',
      message: 'there are 2 of prd_lamp: order fewer',
      metadata: { available: '2' },
    });
    expect(told(error)).to.deep.equal({
      type: 'urn:meshmart:reason:OUT_OF_STOCK',
      title: 'Out of stock',
      status: 409,
      detail: 'there are 2 of prd_lamp: order fewer',
      reason: 'OUT_OF_STOCK',
      instance: '/v1/orders',
      traceId: '0af7651916cd43dd8448eb211c80319c',
      metadata: { available: '2' },
    });
  });

  it('names each field that breaks a rule', () => {
    const violations = [
      { field: 'shippingAddress.country', rule: 'string.len', message: 'must be 2 characters' },
      { field: 'paymentToken', rule: 'string.min_len', message: 'must be at least 1 character' },
    ];
    expect(told(invalidRequest(violations))).to.deep.include({
      status: 400,
      reason: 'VALIDATION_FAILED',
      detail: 'shippingAddress.country: must be 2 characters (and 1 more)',
      violations,
    });
  });

  it('has no violations and no metadata where there are none', () => {
    expect(
      told(new MeshError({ code: 'NOT_FOUND', reason: 'ORDER_NOT_FOUND', message: 'no' })),
    ).to.not.have.any.keys('violations', 'metadata');
  });

  it('tells nothing of what the shop did not mean to say', () => {
    const secret = 'SELECT * FROM cards WHERE number = 4242424242424242';
    const thrown: unknown[] = [
      new Error(secret),
      new TypeError(secret, { cause: new Error(secret) }),
      new MeshError({ code: 'INTERNAL', reason: 'INTERNAL', message: 'oops', cause: new Error(secret) }),
      secret,
      { message: secret, stack: secret, statusCode: 418 },
      undefined,
      null,
    ];
    for (const error of thrown) {
      const problem = told(error);
      expect(problem).to.include({ status: 500, reason: 'INTERNAL' });
      expect(JSON.stringify(problem)).to.not.match(/SELECT|4242|stack|\.ts:/);
    }
  });

  it('has a status of HTTP that is an error, for every code', () => {
    for (const code of codes) {
      if (code === 'OK') continue;
      expect(told(new MeshError({ code, reason: 'INTERNAL', message: '' })).status, code).to.be.within(
        400,
        599,
      );
    }
  });

  for (const [reason, code, status] of [
    ['IDEMPOTENCY_KEY_REUSED', 'ALREADY_EXISTS', 422],
    ['EMAIL_TAKEN', 'ALREADY_EXISTS', 409],
    ['BODY_TOO_LARGE', 'RESOURCE_EXHAUSTED', 413],
    ['RATE_LIMITED', 'RESOURCE_EXHAUSTED', 429],
    ['OVERLOADED', 'RESOURCE_EXHAUSTED', 503],
    ['METHOD_NOT_ALLOWED', 'UNIMPLEMENTED', 405],
    ['UNSUPPORTED_MEDIA_TYPE', 'INVALID_ARGUMENT', 415],
    ['TOKEN_EXPIRED', 'UNAUTHENTICATED', 401],
    ['SCOPE_MISSING', 'PERMISSION_DENIED', 403],
    ['ORDER_NOT_FOUND', 'NOT_FOUND', 404],
    ['DEADLINE_EXCEEDED', 'DEADLINE_EXCEEDED', 504],
    ['UNAVAILABLE', 'UNAVAILABLE', 503],
  ] as const satisfies readonly (readonly [Reason, MeshError['code'], number])[])
    it(`of ${reason} is ${status}`, () => {
      expect(told(new MeshError({ code, reason, message: '' })).status).to.equal(status);
    });
});
