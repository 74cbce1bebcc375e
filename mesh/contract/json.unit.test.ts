import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import { AddItemRequest } from '../../proto/gen/meshmart/cart/v1/cart.js';
import { Money } from '../../proto/gen/meshmart/type/v1/money.js';
import { packageRoot } from '../runtime/package-root.js';
import { MeshError } from './error.js';
import { loadContract } from './image.js';
import { bytesToJson, jsonToBytes } from './json.js';

const contract = loadContract(readFileSync(join(packageRoot(), 'proto', 'image.binpb')));
const item = 'meshmart.cart.v1.AddItemRequest';
const money = 'meshmart.type.v1.Money';
const order = 'meshmart.order.v1.Order';
const picture = 'meshmart.catalog.v1.GetProductPictureResponse';
const batch = 'meshmart.catalog.v1.BatchGetProductsRequest';

/** The violations that a refused value is told, as `field rule`; what was taken gives none. */
function refused(typeName: string, value: unknown): string[] {
  try {
    jsonToBytes(contract, typeName, value);
  } catch (error) {
    expect(MeshError.from(error), String(error)).to.include({
      code: 'INVALID_ARGUMENT',
      reason: 'VALIDATION_FAILED',
    });
    return MeshError.from(error).violations.map((violation) => `${violation.field} ${violation.rule}`);
  }
  return [];
}

describe('JSON of the contracts', () => {
  it('goes to the bytes that generated code reads, and back', () => {
    const units = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
    const nanos = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
    const text = fc.string({ unit: 'grapheme' }).filter((each) => !each.includes('\0'));
    fc.assert(
      fc.property(units, nanos, text, (unit, nano, currencyCode) => {
        const json = { currencyCode, units: String(unit), nanos: nano };
        const bytes = jsonToBytes(contract, money, json);
        expect(Money.decode(bytes)).to.deep.equal({ currencyCode, units: unit, nanos: nano });
        expect(bytesToJson(contract, money, bytes)).to.deep.equal(json);
      }),
    );
  });

  it('takes null for a field as if it was not there', () => {
    expect(jsonToBytes(contract, item, { productId: null, quantity: null })).to.have.length(0);
  });

  it('takes the names of the contract as well as those of JSON', () => {
    const bytes = jsonToBytes(contract, item, { product_id: 'prd_a' });
    expect(AddItemRequest.decode(bytes).productId).to.equal('prd_a');
  });

  it('either takes a value or names what is wrong with it, whatever it is', () => {
    fc.assert(
      fc.property(fc.constantFrom(item, money, order, picture, batch), fc.jsonValue(), (type, value) => {
        for (const violation of refused(type, value)) expect(violation).to.match(/ json(\.[a-z_]+)?$/);
      }),
      { numRuns: 500 },
    );
  });

  it('names every field that is wrong, whatever its value is', () => {
    const fields = fc.record({ productId: fc.jsonValue(), quantity: fc.jsonValue() });
    fc.assert(
      fc.property(fields, ({ productId, quantity }) => {
        const named = refused(item, { productId, quantity }).map((violation) => violation.split(' ')[0]);
        const isText = productId === null || (typeof productId === 'string' && !productId.includes('\0'));
        const isNumber =
          quantity === null ||
          (typeof quantity === 'number' && Number.isInteger(quantity) && Math.abs(quantity) < 2 ** 31);
        expect(named.includes('productId')).to.equal(!isText);
        expect(named.includes('quantity')).to.equal(!isNumber);
      }),
      { numRuns: 500 },
    );
  });

  const cases: [what: string, typeName: string, value: unknown, ...violations: string[]][] = [
    ['a fraction in 64 bits', money, { units: 1.5 }, 'units json.integer'],
    ['a number that JSON can not hold exactly', money, { units: 2 ** 53 }, 'units json.range'],
    ['64 bits as text with an exponent', money, { units: '1e3' }, 'units json.type'],
    ['64 bits as text with blanks', money, { units: ' 1' }, 'units json.type'],
    ['64 bits as empty text', money, { units: '' }, 'units json.type'],
    ['64 bits as text with a plus', money, { units: '+1' }, 'units json.type'],
    ['too long a number', money, { units: '1'.repeat(21) }, 'units json.type'],
    ['too small a number', money, { units: '-9223372036854775809' }, 'units json.range'],
    ['a number in 32 bits below the least', item, { quantity: -2_147_483_649 }, 'quantity json.range'],
    ['no number at all', item, { quantity: Number.NaN }, 'quantity json.integer'],
    ['a truth value as text', item, { productId: true }, 'productId json.type'],
    ['half a character at the end', item, { productId: 'a\ud83d' }, 'productId json.unicode'],
    ['half a character at the start', item, { productId: '\ude00a' }, 'productId json.unicode'],
    ['a list for an object', order, { total: [] }, 'total json.type'],
    ['text for an object', order, { total: 'free' }, 'total json.type'],
    ['an object for a list', order, { lines: {} }, 'lines json.type'],
    ['null in a list', batch, { ids: ['a', null] }, 'ids[1] json.type'],
    ['null in a list of objects', order, { lines: [null] }, 'lines[0] json.type'],
    ['numbers in a list of text', batch, { ids: [1, 'b', 2] }, 'ids[0] json.type', 'ids[2] json.type'],
    [
      'an unknown key far inside',
      order,
      { lines: [{}, { unitPrice: { unit: '1' } }] },
      'lines[1].unitPrice.unit json.unknown_key',
    ],
    ['a state that is a number', order, { state: 1 }, 'state json.enum'],
    ['a state that is none', order, { state: 'LOST' }, 'state json.enum'],
    ['a state that every object knows', order, { state: 'constructor' }, 'state json.enum'],
    ['a moment that is a number', order, { placedAt: 5 }, 'placedAt json.type'],
    ['a moment that is no moment', order, { placedAt: 'yesterday' }, 'placedAt json.format'],
    ['bytes that are no base64', picture, { data: '!!' }, 'data json.format'],
    ['bytes that are a list', picture, { data: [1, 2] }, 'data json.type'],
    ['keys that every object has', item, JSON.parse('{"__proto__": 1}'), '__proto__ json.unknown_key'],
    ['a key of the prototype', item, { constructor: 1 }, 'constructor json.unknown_key'],
    ['one field under both its names', order, { userId: 'a', user_id: 'b' }, 'user_id json.duplicate'],
  ];
  for (const [what, typeName, value, ...violations] of cases) {
    it(`with ${what} is refused: ${violations.join(', ')}`, () => {
      expect(refused(typeName, value)).to.deep.equal(violations);
    });
  }

  it('takes the ends of what 64 bits and 32 bits hold', () => {
    for (const units of ['9223372036854775807', '-9223372036854775808', '0', '-0', '007', 2 ** 53 - 1]) {
      expect(refused(money, { units }), String(units)).to.deep.equal([]);
    }
    for (const nanos of [2 ** 31 - 1, -(2 ** 31), -0, 1e3]) {
      expect(refused(money, { nanos }), String(nanos)).to.deep.equal([]);
    }
  });

  it('takes moments and bytes as JSON writes them', () => {
    for (const placedAt of ['2026-01-01T00:00:00Z', '2026-01-01T01:00:00.123456789+01:00']) {
      expect(refused(order, { placedAt }), placedAt).to.deep.equal([]);
    }
    for (const data of ['', 'AAEC', 'AAE=', 'AAE', '-_-_']) {
      expect(refused(picture, { data }), data).to.deep.equal([]);
    }
  });

  it('of a message that the contracts do not have is a mistake of the caller', () => {
    expect(() => jsonToBytes(contract, 'meshmart.cart.v1.Nothing', {})).to.throw(
      RangeError,
      /have no message/,
    );
    expect(() => bytesToJson(contract, 'meshmart.cart.v1.Nothing', new Uint8Array())).to.throw(RangeError);
  });

  it('of a deep pile of lists ends, and does not end the process', () => {
    let deep: unknown = 1;
    for (let level = 0; level < 20_000; level += 1) deep = [deep];
    expect(refused(item, { productId: deep })).to.deep.equal(['productId json.type']);
    expect(refused(item, deep)).to.deep.equal([' json.type']);
  });
});
