import { expect } from 'chai';
import { type Answer, address, type Buyer, expectStatus, newBuyer, request } from './buyer.js';

const card = { cardNumber: '4242424242424242', expiryMonth: 12, expiryYear: 2034, cvc: '123', holder: 'Ada' };
const order = { paymentToken: 'tok_x', shippingOptionId: 'standard', shippingAddress: address };

/** What a client may send, and the field that the answer must name. */
const broken: readonly [string, string, string, unknown, RegExp][] = [
  ['a number that is text', 'POST', '/v1/cart/items', { productId: 'prd_x', quantity: 'two' }, /quantity/],
  ['a number out of range', 'POST', '/v1/cart/items', { productId: 'prd_x', quantity: 100 }, /quantity/],
  ['a negative number', 'POST', '/v1/cart/items', { productId: 'prd_x', quantity: -1 }, /quantity/],
  ['a fraction', 'POST', '/v1/cart/items', { productId: 'prd_x', quantity: 1.5 }, /quantity/],
  [
    'a number beyond 32 bits',
    'POST',
    '/v1/cart/items',
    { productId: 'prd_x', quantity: 2 ** 40 },
    /quantity/,
  ],
  ['a missing field', 'POST', '/v1/cart/items', { quantity: 1 }, /productId/],
  ['an unknown key', 'POST', '/v1/cart/items', { productId: 'prd_x', quantity: 1, price: 0 }, /price/],
  [
    'an unknown nested key',
    'POST',
    '/v1/orders',
    { ...order, shippingAddress: { ...address, isAdmin: true } },
    /isAdmin/,
  ],
  [
    'a key that stands twice',
    'POST',
    '/v1/orders',
    '{"paymentToken": "x", "shippingAddress": {"country": "DE", "country": "FR"}}',
    /shippingAddress\.country/,
  ],
  ['a list for an object', 'POST', '/v1/orders', { ...order, shippingAddress: [] }, /shippingAddress/],
  [
    'a country that is none',
    'POST',
    '/v1/orders',
    { ...order, shippingAddress: { ...address, country: 'Germany' } },
    /country/,
  ],
  [
    'an amount that is no number',
    'POST',
    '/v1/orders',
    { ...order, expectedTotal: { currencyCode: 'EUR', units: 'abc' } },
    /expectedTotal/,
  ],
  [
    'a card number that fails its checksum',
    'POST',
    '/v1/payment-methods',
    { ...card, cardNumber: '4242424242424241' },
    /cardNumber/,
  ],
  ['a month that does not exist', 'POST', '/v1/payment-methods', { ...card, expiryMonth: 13 }, /expiryMonth/],
  ['a card that has expired', 'POST', '/v1/payment-methods', { ...card, expiryYear: 2020 }, /expiry/],
  [
    'an address of no mail',
    'POST',
    '/v1/users',
    { email: 'ada', password: 'correct horse', name: 'A' },
    /email/,
  ],
  ['a short password', 'POST', '/v1/users', { email: 'a@example.com', password: 'x', name: 'A' }, /password/],
  ['a page size out of range', 'GET', '/v1/products?pageSize=101', undefined, /pageSize/],
  ['a page size that is no number', 'GET', '/v1/products?pageSize=ten', undefined, /pageSize/],
  ['a page token that is made up', 'GET', '/v1/products?pageToken=abc', undefined, /pageToken/],
  ['an unknown parameter', 'GET', '/v1/products?limit=3', undefined, /limit/],
];

/** A shop that runs, in whatever shape. */
export interface TroubledShop {
  readonly httpUrl: string;
  stop(): Promise<unknown>;
}

/** What is wrong is refused with the same answers in each shape: fields, tokens, keys, rates. */
export function badInputSuite(shape: string, start: () => Promise<TroubledShop>): void {
  describe(`bad input over REST (${shape})`, function () {
    this.timeout(30_000);
    let shop: TroubledShop;
    let url: string;
    let buyer: Buyer;

    before(async () => {
      shop = await start();
      url = shop.httpUrl;
      buyer = await newBuyer(url);
    });
    after(async () => {
      await shop?.stop();
    });

    const isProblem = (answer: Answer, status: number) => {
      expect(answer.status, answer.text).to.equal(status);
      expect(answer.headers.get('content-type')).to.match(/^application\/problem\+json/);
      expect(answer.body.reason).to.match(/^[A-Z_]+$/);
      expect(answer.body.detail).to.be.a('string').and.not.equal('');
      expect(answer.text).to.not.match(/\bat .*\.(js|ts):\d+/);
      return answer;
    };

    for (const [what, method, path, body, field] of broken) {
      it(`${what} is 400 and names ${field.source} and the rule`, async () => {
        const { body: problem } = isProblem(
          await buyer.call(method, path, body, { 'idempotency-key': `bad-${what.replaceAll(' ', '-')}` }),
          400,
        );
        const violations: { field: string; rule: string; message: string }[] = problem.violations;
        expect(violations.map((one) => one.field).join(), JSON.stringify(problem)).to.match(field);
        for (const one of violations) expect(one.rule).to.be.a('string').and.not.equal('');
      });
    }

    it('a body that is no JSON, too large or of another kind is 400, 413, 415', async () => {
      isProblem(await buyer.call('POST', '/v1/cart/items', '{"productId":'), 400);
      isProblem(
        await buyer.call('POST', '/v1/cart/items', JSON.stringify({ productId: 'x'.repeat(70_000) })),
        413,
      );
      const text = { 'content-type': 'text/plain' };
      isProblem(await request(url, 'POST', '/v1/cart/items', 'productId=1', text), 415);
    });

    it('a body that is compressed or in another character set is 415, and one in UTF-8 is taken', async () => {
      const { products } = (await request(url, 'GET', '/v1/products?pageSize=1')).body;
      const body = { productId: products[0].id, quantity: 1 };
      const json = 'application/json';
      isProblem(await buyer.call('POST', '/v1/cart/items', body, { 'content-encoding': 'gzip' }), 415);
      const latin = { 'content-type': `${json}; charset=iso-8859-1` };
      isProblem(await buyer.call('POST', '/v1/cart/items', body, latin), 415);
      for (const type of [json, `${json}; charset=utf-8`, `${json};charset="UTF-8"`])
        await expectStatus(buyer.call('POST', '/v1/cart/items', body, { 'content-type': type }), 200);
    });

    it('a path or a query that is not well encoded is 400', async () => {
      for (const path of ['/v1/products/%zz', '/v1/products?category=%zz', '/v1/products?category=%ff']) {
        expect(isProblem(await request(url, 'GET', path), 400).body.reason).to.equal('MALFORMED_REQUEST');
      }
    });

    it('what is not there is 404, another method 405', async () => {
      for (const path of ['/v1/products/prd_none', '/v1/orders/ord_none', '/v1/nothing'])
        isProblem(await buyer.call('GET', path), 404);
      const wrong = isProblem(await buyer.call('DELETE', '/v1/products'), 405);
      expect(wrong.headers.get('allow')).to.match(/GET/);
    });

    it('a token that is missing, made up or changed is 401', async () => {
      isProblem(await request(url, 'GET', '/v1/me'), 401);
      const [head, body, signature] = buyer.token.split('.');
      for (const token of [
        'nonsense',
        `${head}.${body}.AAAA`,
        `${head}.e30.${signature}`,
        `eyJhbGciOiJub25lIn0.${body}.`,
      ])
        isProblem(await request(url, 'GET', '/v1/me', undefined, { authorization: `Bearer ${token}` }), 401);
    });

    it('an order without a key is 400, a key used for another request 422', async () => {
      isProblem(await buyer.call('POST', '/v1/orders', order), 400);
      const page = await request(url, 'GET', '/v1/products?pageSize=1');
      const productId = page.body.products[0].id;
      const add = (quantity: number) =>
        buyer.call('POST', '/v1/cart/items', { productId, quantity }, { 'idempotency-key': 'one' });
      const first = await expectStatus(add(1), 200);
      expect((await expectStatus(add(1), 200)).text).to.equal(first.text);
      isProblem(await add(2), 422);
    });

    it('more logins than are allowed are 429, and say how long to wait', async () => {
      const login = () =>
        request(url, 'POST', '/v1/sessions', { email: buyer.email, password: 'wrong horse' });
      let refused: Answer | undefined;
      for (let attempt = 0; attempt < 40 && refused === undefined; attempt += 1) {
        const answer = await login();
        if (answer.status === 429) refused = answer;
        else isProblem(answer, 401);
      }
      expect(refused, 'no attempt was refused').to.not.equal(undefined);
      expect(Number(refused?.headers.get('retry-after'))).to.be.greaterThan(0);
    });
  });
}
