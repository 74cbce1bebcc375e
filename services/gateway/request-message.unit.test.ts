import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DescMessage } from '@bufbuild/protobuf';
import { expect } from 'chai';
import { MeshError } from '../../mesh/contract/error.js';
import { loadContract } from '../../mesh/contract/image.js';
import type { HttpBinding } from '../../mesh/contract/policy.js';
import { packageRoot } from '../../mesh/runtime/package-root.js';
import { type HttpParts, queryOf, requestJson } from './request-message.js';

const contract = loadContract(readFileSync(join(packageRoot(), 'proto', 'image.binpb')));

function type(name: string): DescMessage {
  const found = contract.registry.getMessage(`meshmart.${name}`);
  if (found === undefined) throw new Error(`no message ${name}`);
  return found;
}

const inQuery: HttpBinding = { verb: 'GET', template: '/x', body: '' };
const inBody: HttpBinding = { verb: 'POST', template: '/x', body: '*' };

const json = (
  name: string,
  binding: HttpBinding,
  query: string,
  parts: Partial<Omit<HttpParts, 'query'>> = {},
) =>
  requestJson(type(name), binding, {
    params: {},
    body: undefined,
    query: new URLSearchParams(query),
    ...parts,
  });

/** What is said of the first field that is refused. */
function refusal(read: () => unknown): [string | undefined, string | undefined] {
  try {
    const value = read();
    throw new Error(`it was taken: ${JSON.stringify(value)}`);
  } catch (error) {
    if (!MeshError.is(error)) throw error;
    expect(error).to.include({ code: 'INVALID_ARGUMENT', reason: 'VALIDATION_FAILED' });
    return [error.violations[0]?.field, error.violations[0]?.rule];
  }
}

describe('a request without a body', () => {
  it('is made from the query, by the names of JSON or of the contract', () => {
    for (const query of ['pageSize=3&category=garden', 'page_size=3&category=garden'])
      expect(json('catalog.v1.ListProductsRequest', inQuery, query)).to.deep.equal({
        pageSize: 3,
        category: 'garden',
      });
    expect(json('catalog.v1.ListProductsRequest', inQuery, '')).to.deep.equal({});
  });

  it('keeps as text what is no number, for the strict reader to refuse by its name', () => {
    for (const text of ['ten', '', ' 5', '5 ', '+5', '1e2', '0x10', '1,5', '--1', 'NaN', 'Infinity', '٣'])
      expect(
        json('catalog.v1.ListProductsRequest', inQuery, `pageSize=${encodeURIComponent(text)}`),
      ).to.deep.equal({ pageSize: text });
    expect(json('catalog.v1.ListProductsRequest', inQuery, 'pageSize=-5')).to.deep.equal({ pageSize: -5 });
    expect(json('catalog.v1.ListProductsRequest', inQuery, 'pageSize=1.5')).to.deep.equal({ pageSize: 1.5 });
  });

  it('keeps text that looks like a number as text, and 64-bit numbers too', () => {
    expect(json('catalog.v1.SearchProductsRequest', inQuery, 'q=42')).to.deep.equal({ q: '42' });
    expect(json('order.v1.WatchOrderRequest', inQuery, 'afterVersion=9007199254740993')).to.deep.equal({
      afterVersion: '9007199254740993',
    });
  });

  it('reads switches', () => {
    expect(
      json('notification.v1.UpdatePreferencesRequest', inQuery, 'orderMail=true&marketingMail=false'),
    ).to.deep.equal({ orderMail: true, marketingMail: false });
    expect(json('notification.v1.UpdatePreferencesRequest', inQuery, 'orderMail=yes')).to.deep.equal({
      orderMail: 'yes',
    });
  });

  it('gathers a list from parameters of one name, and fields of a message by dots', () => {
    expect(json('catalog.v1.BatchGetProductsRequest', inQuery, 'ids=a&ids=b')).to.deep.equal({
      ids: ['a', 'b'],
    });
    expect(
      json('catalog.v1.UpdatePriceRequest', inQuery, 'price.currencyCode=EUR&price.units=5&price.nanos=1'),
    ).to.deep.equal({ price: { currencyCode: 'EUR', units: '5', nanos: 1 } });
  });

  it('takes its fields of the path from the path', () => {
    expect(
      json('order.v1.WatchOrderRequest', inQuery, 'afterVersion=2', { params: { id: 'ord_1' } }),
    ).to.deep.equal({ id: 'ord_1', afterVersion: '2' });
    expect(json('cart.v1.RemoveItemRequest', inQuery, '', { params: { product_id: 'prd_1' } })).to.deep.equal(
      {
        productId: 'prd_1',
      },
    );
  });

  it('takes no part in what its body says', () => {
    expect(json('cart.v1.ClearCartRequest', inQuery, '', { body: { lines: 1 } })).to.deep.equal({});
  });

  for (const [what, query, field, rule] of [
    ['an unknown parameter', 'limit=3', 'limit', 'query.unknown'],
    ['a parameter within one that has no parts', 'pageSize.x=3', 'pageSize.x', 'query.unknown'],
    ['a parameter without a name', '=3', '', 'query.unknown'],
    ['one of the names that objects have', 'constructor=1', 'constructor', 'query.unknown'],
    ['__proto__', '__proto__.pageSize=1', '__proto__.pageSize', 'query.unknown'],
    ['a parameter that stands twice', 'pageSize=1&pageSize=2', 'pageSize', 'query.repeated'],
    ['a parameter by both its names', 'pageSize=1&page_size=2', 'page_size', 'query.repeated'],
  ] as const)
    it(`is refused with ${what}`, () => {
      expect(refusal(() => json('catalog.v1.ListProductsRequest', inQuery, query))).to.deep.equal([
        field,
        rule,
      ]);
      expect(({} as Record<string, unknown>)['pageSize']).to.equal(undefined);
    });

  it('is refused with a parameter that says otherwise what the path says', () => {
    const params = { product_id: 'prd_mine' };
    for (const name of ['productId', 'product_id'])
      expect(
        refusal(() => json('cart.v1.RemoveItemRequest', inQuery, `${name}=prd_other`, { params })),
      ).to.deep.equal([name, 'query.repeated']);
  });

  it('is refused with a message and its parts, and with a list by both its names', () => {
    for (const query of ['price=x&price.units=1', 'price.units=1&price=x'])
      expect(refusal(() => json('catalog.v1.UpdatePriceRequest', inQuery, query))[1]).to.equal(
        'query.repeated',
      );
    const twice = 'productIds=a&product_ids=b';
    expect(refusal(() => json('inventory.v1.BatchGetStockRequest', inQuery, twice))[1]).to.equal(
      'query.repeated',
    );
  });
});

describe('a query', () => {
  it('is what stands behind the question mark', () => {
    expect([...queryOf('/v1/products?q=a%20b+c&category=%C3%BC')]).to.deep.equal([
      ['q', 'a b c'],
      ['category', 'ü'],
    ]);
    expect([...queryOf('/v1/products')]).to.deep.equal([]);
    expect([...queryOf('/x?q=a?b')]).to.deep.equal([['q', 'a?b']]);
  });

  it('is refused when what stands behind a % is no encoded UTF-8, instead of being read as something else', () => {
    for (const text of ['q=%zz', 'q=%', 'q=%ff', 'q=%C3', '%ed%a0%80=1'])
      expect(() => queryOf(`/x?${text}`), text).to.throw(MeshError, /query is not well formed/);
  });
});

describe('a request with a body', () => {
  it('is the body, with what the path says', () => {
    expect(
      json('cart.v1.UpdateItemRequest', inBody, '', {
        params: { product_id: 'prd_1' },
        body: { quantity: 2 },
      }),
    ).to.deep.equal({ productId: 'prd_1', quantity: 2 });
  });

  it('may say again what the path says, and nothing else', () => {
    const read = (productId: unknown) =>
      json('cart.v1.UpdateItemRequest', inBody, '', { params: { product_id: 'prd_1' }, body: { productId } });
    expect(read('prd_1')).to.deep.equal({ productId: 'prd_1' });
    for (const other of ['prd_2', null, ['prd_1'], 1])
      expect(refusal(() => read(other))).to.deep.equal(['productId', 'path']);
  });

  it('is an empty message without one', () => {
    expect(json('users.v1.CreateGuestSessionRequest', inBody, '')).to.deep.equal({});
  });

  it('goes on as it is when it is no object, for the strict reader to refuse', () => {
    for (const body of [null, [], 'text', 1, true])
      expect(json('users.v1.RegisterRequest', inBody, '', { body })).to.equal(body);
  });

  it('is refused with a query', () => {
    expect(refusal(() => json('users.v1.RegisterRequest', inBody, 'email=a', { body: {} }))).to.deep.equal([
      'email',
      'query',
    ]);
  });

  it('leaves the body that it came from as it was', () => {
    const body = { quantity: 2 };
    json('cart.v1.UpdateItemRequest', inBody, '', { params: { product_id: 'prd_1' }, body });
    expect(body).to.deep.equal({ quantity: 2 });
  });
});

describe('a request whose body is one of its fields', () => {
  it('has it by the name of JSON, the rest in the query', () => {
    const binding: HttpBinding = { verb: 'POST', template: '/x', body: 'shipping_address' };
    expect(
      json('order.v1.PlaceOrderRequest', binding, 'paymentToken=tok_1', { body: { country: 'DE' } }),
    ).to.deep.equal({ shippingAddress: { country: 'DE' }, paymentToken: 'tok_1' });
  });
});
