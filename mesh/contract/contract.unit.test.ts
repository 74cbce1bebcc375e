import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import { BatchGetProductsRequest } from '../../proto/gen/meshmart/catalog/v1/catalog.js';
import { PlaceOrderRequest } from '../../proto/gen/meshmart/order/v1/order.js';
import { packageRoot } from '../runtime/package-root.js';
import { codes, MeshError } from './error.js';
import { httpStatusOf } from './http-status.js';
import { loadContract } from './image.js';
import { bytesToJson, jsonToBytes } from './json.js';
import { add, compare, decimal, fromNanos, multiply, toNanos } from './money.js';
import { readPolicies } from './policy.js';
import { codeNumber, codeOfNumber, decodeStatus, encodeStatus } from './status.js';
import { createValidator } from './validation.js';

const contract = loadContract(readFileSync(join(packageRoot(), 'proto', 'image.binpb')));
const policies = readPolicies(contract);

/** The violations that a refused JSON request names, as `field rule`. */
function refused(typeName: string, json: string): string[] {
  try {
    jsonToBytes(contract, typeName, JSON.parse(json));
  } catch (error) {
    expect(MeshError.from(error).code).to.equal('INVALID_ARGUMENT');
    return MeshError.from(error).violations.map((violation) => `${violation.field} ${violation.rule}`);
  }
  throw new Error(`${json} was taken`);
}

describe('the contracts', () => {
  it('give every method a policy', () => {
    expect(policies.size).to.be.greaterThan(40);
    for (const policy of policies.values()) {
      expect(policy.deadlineMs, policy.path).to.be.greaterThan(0);
      if (policy.exposure === 'internal') expect(policy.http, policy.path).to.have.length(0);
    }
  });

  it('tell deadline, exposure, key and REST path of PlaceOrder', () => {
    expect(policies.get('/meshmart.order.v1.OrderService/PlaceOrder')).to.include({
      deadlineMs: 5_000,
      priority: 'critical',
      exposure: 'user',
      scope: 'orders',
      idempotencyKey: 'required',
      idempotency: 'idempotent',
      httpStatus: 201,
      kind: 'unary',
    });
  });

  it('give no two methods the same REST path', () => {
    const bindings = [...policies.values()].flatMap((policy) =>
      policy.http.map((http) => `${http.verb} ${http.template}`),
    );
    expect(new Set(bindings).size).to.equal(bindings.length);
  });
});

describe('strict JSON', () => {
  const item = 'meshmart.cart.v1.AddItemRequest';

  it('goes to bytes and back with defaults written out', () => {
    const bytes = jsonToBytes(contract, item, { productId: 'prd_lamp', quantity: 2 });
    expect(bytesToJson(contract, item, bytes)).to.deep.equal({ productId: 'prd_lamp', quantity: 2 });
    expect(bytesToJson(contract, 'meshmart.catalog.v1.ListProductsResponse', new Uint8Array())).to.deep.equal(
      {
        products: [],
        nextPageToken: '',
      },
    );
  });

  const cases: [json: string, ...violations: string[]][] = [
    ['{"quantity": "2"}', 'quantity json.type'],
    ['{"quantity": 1.5}', 'quantity json.integer'],
    ['{"quantity": 2147483648}', 'quantity json.range'],
    ['{"quantity": 1e400}', 'quantity json.integer'],
    ['{"quantity": true, "productId": 7}', 'quantity json.type', 'productId json.type'],
    ['{"price": 1}', 'price json.unknown_key'],
    ['{"productId": "a", "product_id": "b"}', 'product_id json.duplicate'],
    ['{"productId": "\\ud800"}', 'productId json.unicode'],
    ['{"productId": "a\\u0000b"}', 'productId json.nul'],
    ['[]', ' json.type'],
    ['null', ' json.type'],
  ];
  for (const [json, ...violations] of cases) {
    it(`refuses ${json} and names ${violations.join(', ')}`, () => {
      expect(refused(item, json)).to.deep.equal(violations);
    });
  }

  it('names nested fields, and takes 64-bit numbers as text', () => {
    const order = 'meshmart.order.v1.PlaceOrderRequest';
    expect(
      refused(order, '{"shippingAddress": {"country": 5, "planet": "x"}, "expectedTotal": {"units": "abc"}}'),
    ).to.deep.equal([
      'shippingAddress.country json.type',
      'shippingAddress.planet json.unknown_key',
      'expectedTotal.units json.type',
    ]);
    expect(refused(order, '{"expectedTotal": {"units": "9223372036854775808"}}')).to.deep.equal([
      'expectedTotal.units json.range',
    ]);
    jsonToBytes(contract, order, {
      expectedTotal: { currencyCode: 'EUR', units: '9223372036854775807', nanos: 5 },
    });
  });
});

describe('validation', () => {
  const validator = createValidator(contract);

  it('names field and rule of each rule that is broken', () => {
    expect(
      validator
        .check('meshmart.cart.v1.AddItemRequest', new Uint8Array())
        .map(({ field, rule }) => [field, rule]),
    ).to.deep.equal([
      ['productId', 'string.min_len'],
      ['quantity', 'int32.gte_lte'],
    ]);
  });

  it('refuses text with a NUL character, wherever it stands', () => {
    const broken = (type: string, bytes: Uint8Array) =>
      validator.check(type, bytes).map(({ field, rule }) => `${field} ${rule}`);
    const shippingAddress = { name: 'A', line1: 'B\0', line2: '', city: 'C', postalCode: '1', country: 'DE' };
    expect(
      broken(
        'meshmart.order.v1.PlaceOrderRequest',
        PlaceOrderRequest.encode(PlaceOrderRequest.fromPartial({ shippingAddress })).finish(),
      ),
    ).to.deep.equal(['shippingAddress.line1 string.nul']);
    expect(
      broken(
        'meshmart.catalog.v1.BatchGetProductsRequest',
        BatchGetProductsRequest.encode({ ids: ['prd_1', '\0'] }).finish(),
      ),
    ).to.deep.equal(['ids[1] string.nul']);
  });

  it('refuses bytes that are no message', () => {
    expect(() => validator.check('meshmart.cart.v1.AddItemRequest', Uint8Array.of(0x0a, 0x05, 0x01)))
      .to.throw(MeshError)
      .with.property('reason', 'MALFORMED_REQUEST');
  });
});

describe('an error on the wire', () => {
  it('crosses whole, but for its cause', () => {
    const error = new MeshError({
      code: 'ABORTED',
      reason: 'PRICE_CHANGED',
      message: 'the total is 12.50 EUR now',
      metadata: { newTotal: '12.50' },
      violations: [{ field: 'expectedTotal', rule: 'price', message: 'differs' }],
      cause: new Error('secret'),
    });
    const arrived = decodeStatus({ code: 'ABORTED', message: error.message }, encodeStatus(error));
    expect({ ...arrived }).to.deep.include({
      code: 'ABORTED',
      reason: 'PRICE_CHANGED',
      metadata: error.metadata,
      violations: error.violations,
    });
    expect(Buffer.from(encodeStatus(error)).toString('latin1')).not.to.contain('secret');
  });

  it('stands by code and message when its details are missing or broken', () => {
    for (const details of [undefined, Uint8Array.of(0xff, 0xff, 0xff)]) {
      expect(decodeStatus({ code: 'UNAVAILABLE', message: 'gone' }, details)).to.include({
        code: 'UNAVAILABLE',
        reason: 'UNAVAILABLE',
        message: 'gone',
      });
    }
  });

  it('never shows what an unknown failure says', () => {
    expect(MeshError.from(new Error('password is 123')).message).not.to.contain('123');
  });

  it('has an HTTP status for each code, and numbers that go both ways', () => {
    for (const code of codes) {
      if (code === 'OK') continue;
      expect(httpStatusOf(code, 'INTERNAL')).to.be.within(400, 599);
      expect(codeOfNumber(codeNumber(code))).to.equal(code);
    }
    expect(httpStatusOf('ALREADY_EXISTS', 'IDEMPOTENCY_KEY_REUSED')).to.equal(422);
  });
});

describe('money', () => {
  const amount = fc.bigInt({ min: -(10n ** 18n), max: 10n ** 18n }).map((nanos) => fromNanos('EUR', nanos));

  it('adds and multiplies exactly', () => {
    fc.assert(
      fc.property(amount, amount, fc.integer({ min: 0, max: 99 }), (left, right, count) => {
        expect(toNanos(add(left, right))).to.equal(toNanos(left) + toNanos(right));
        expect(toNanos(multiply(left, count))).to.equal(toNanos(left) * BigInt(count));
        expect(Math.sign(compare(left, right))).to.equal(-Math.sign(compare(right, left)) + 0);
      }),
    );
  });

  it('keeps units and nanos of one sign', () => {
    fc.assert(
      fc.property(amount, ({ units, nanos }) => {
        expect(units > 0n ? nanos >= 0 : units < 0n ? nanos <= 0 : true).to.equal(true);
      }),
    );
  });

  it('refuses a sum that does not fit, and two currencies', () => {
    const most = { currencyCode: 'EUR', units: 2n ** 63n - 1n, nanos: 999_999_999 };
    expect(() => add(most, most)).to.throw(MeshError);
    expect(() => add(most, { ...most, currencyCode: 'USD' })).to.throw(/one currency/);
  });

  it('is written with two decimals or as many as it needs', () => {
    expect(decimal({ currencyCode: 'EUR', units: 19n, nanos: 990_000_000 })).to.equal('19.99');
    expect(decimal({ currencyCode: 'EUR', units: -1n, nanos: -5_000_000 })).to.equal('-1.005');
    expect(decimal({ currencyCode: 'EUR', units: 0n, nanos: 0 })).to.equal('0.00');
  });
});
