import { expect } from 'chai';
import { bytesToJson } from '../../mesh/contract/json.js';
import type { HttpBinding, MethodPolicy } from '../../mesh/contract/policy.js';
import type { User } from '../../mesh/rpc/context.js';
import { loadShop } from '../../mesh/shape/loaded-shop.js';
import { testUser } from '../../mesh/testing/test-context.js';
import { type HttpAnswer, type LoneGateway, send, startLoneGateway } from './lone-gateway.test.js';

const { contract, policies } = loadShop();
const routes = [...policies.values()].flatMap((method) =>
  method.http.map((binding) => ({ method, binding })),
);

const operator: User = { id: 'operator', kind: 'operator', scopes: ['operator'] };
const buyer = testUser();

const address = { name: 'Ada', line1: 'Street 1', city: 'Berlin', postalCode: '10117', country: 'DE' };
const card = { cardNumber: '4242424242424242', expiryMonth: 12, expiryYear: 2034, cvc: '123', holder: 'Ada' };

/** A request that is good, for each method that takes more than its path. */
const bodies: Readonly<Record<string, object>> = {
  AddItem: { productId: 'prd_lamp', quantity: 1 },
  UpdateItem: { quantity: 1 },
  MergeCart: { guestToken: 'abc' },
  UpdatePrice: { price: { currencyCode: 'EUR', units: '5' } },
  Restock: { quantity: 1 },
  PlaceOrder: { paymentToken: 'tok_1', shippingOptionId: 'standard', shippingAddress: address },
  TokenizeCard: card,
  Register: { email: 'ada@example.com', password: 'correct horse', name: 'Ada' },
  Authenticate: { email: 'ada@example.com', password: 'correct horse' },
  UpdateProfile: { name: 'Ada' },
  AddAddress: { address },
};
const queries: Readonly<Record<string, string>> = { SearchProducts: 'q=lamp', QuoteShipping: 'country=DE' };

/** Broken forms of those: what is sent, and the field that the answer must name. `path` is the value in the path. */
interface Broken {
  readonly what: string;
  readonly path?: string;
  readonly query?: string;
  readonly body?: unknown;
  readonly field: string;
}

/** Each field of a message in turn as something that its type is not. */
function wrongTypes(method: MethodPolicy, binding: HttpBinding): Broken[] {
  const type = contract.registry.getMessage(method.input);
  const good = bodies[method.method] ?? {};
  return (type?.fields ?? [])
    .filter(({ name }) => !binding.template.includes(`{${name}}`))
    .map(({ jsonName, fieldKind, name }) => {
      if (binding.body === '')
        return fieldKind === 'scalar' && /size|version|grams/.test(name)
          ? { what: `${jsonName} that is no number`, query: `${jsonName}=many`, field: jsonName }
          : { what: `${jsonName} that stands twice`, query: `${jsonName}=a&${jsonName}=b`, field: jsonName };
      return {
        what: `${jsonName} that is a list of lists`,
        body: { ...good, [jsonName]: [[]] },
        field: jsonName,
      };
    });
}

function brokenForms(method: MethodPolicy, binding: HttpBinding): Broken[] {
  const good = bodies[method.method] ?? {};
  const inPath = /\{([^}]*)\}/.exec(binding.template)?.[1];
  const field = contract.registry
    .getMessage(method.input)
    ?.fields.find(({ name }) => name === inPath)?.jsonName;
  return [
    ...wrongTypes(method, binding),
    ...(field === undefined
      ? []
      : [
          { what: 'a path that is too long', path: 'a'.repeat(65), field },
          { what: 'a path that is far too long', path: 'a'.repeat(5_000), field },
          { what: 'a NUL in the path', path: '%00', field },
        ]),
    ...(binding.body === ''
      ? [
          { what: 'an unknown parameter', query: 'isAdmin=true', field: 'isAdmin' },
          ...(inPath === undefined
            ? []
            : [{ what: 'the path again in the query', query: `${inPath}=b`, field: inPath }]),
        ]
      : [
          { what: 'an unknown key', body: { ...good, isAdmin: true }, field: 'isAdmin' },
          { what: 'a query', query: 'isAdmin=true', body: good, field: 'isAdmin' },
          { what: 'a list', body: [], field: '' },
          { what: 'null', body: 'null', field: '' },
          { what: 'text', body: '"text"', field: '' },
          { what: '__proto__', body: '{"__proto__": {"isAdmin": true}}', field: '__proto__' },
          ...(field === undefined
            ? []
            : [{ what: 'another path in the body', body: { ...good, [field]: 'b' }, field }]),
        ]),
  ];
}

describe('the routes of REST', function () {
  this.timeout(20_000);
  let gateway: LoneGateway;
  before(async () => {
    gateway = await startLoneGateway({
      environment: {
        GATEWAY_CLIENT_BURST: '100000',
        GATEWAY_USER_BURST: '100000',
        GATEWAY_LOGINS_PER_MINUTE: '100000',
      },
    });
  });
  after(() => gateway?.stop());

  const pathOf = ({ template }: HttpBinding, value = 'one', query = '') =>
    template.replace(/\{[^}]*\}/g, value) + (query === '' ? '' : `?${query}`);

  const tokenFor = (method: MethodPolicy) =>
    method.exposure === 'public'
      ? undefined
      : gateway.tokenOf(method.exposure === 'operator' ? operator : buyer);

  const headersFor = (method: MethodPolicy, token = tokenFor(method)) => ({
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    ...(method.idempotencyKey === 'required' ? { 'idempotency-key': 'key-1' } : {}),
  });

  const isProblem = (answer: HttpAnswer, status: number, reason?: string) => {
    expect(answer.status, answer.text).to.equal(status);
    expect(answer.headers['content-type']).to.match(/^application\/problem\+json/);
    expect(answer.json)
      .to.include({ status })
      .and.have.property('type')
      .that.matches(/^urn:meshmart:reason:/);
    expect(answer.json.traceId)
      .to.match(/^[0-9a-f]{32}$/)
      .and.equal(answer.headers['x-trace-id']);
    expect(answer.json.detail).to.be.a('string').and.not.equal('');
    if (reason !== undefined) expect(answer.json.reason).to.equal(reason);
    expect(answer.text).to.not.match(/\bat .*:\d+|FST_|node_modules/);
    expect(answer.headers['x-content-type-options']).to.equal('nosniff');
  };

  for (const { method, binding } of routes) {
    describe(`${binding.verb} ${binding.template}`, () => {
      const good = binding.body === '' ? undefined : (bodies[method.method] ?? {});
      const goodPath = pathOf(binding, 'one', queries[method.method]);

      it(`leads a good request to ${method.method}, and answers with ${method.httpStatus}`, async () => {
        const before = gateway.arrivals.length;
        const answer = await send(gateway.url, binding.verb, goodPath, headersFor(method), good);
        expect(answer.status, answer.text).to.equal(method.httpStatus);
        const [arrival] = gateway.arrivals.slice(before);
        expect(arrival?.method.path).to.equal(method.path);
        expect(arrival).to.include({ caller: 'gateway' });
        expect(arrival?.metadata['x-priority']).to.equal(method.priority);
        const request = bytesToJson(contract, method.input, arrival?.body as Uint8Array) as Record<
          string,
          unknown
        >;
        for (const field of binding.template.matchAll(/\{([^}]*)\}/g)) {
          const name = field[1]?.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase()) ?? '';
          expect(request[name]).to.equal('one');
        }
        for (const [name, value] of Object.entries(good ?? {}))
          expect(request[name], name).to.deep.include(
            typeof value === 'object' ? value : Object(value).valueOf(),
          );
      });

      for (const { what, path, query, body, field } of brokenForms(method, binding)) {
        it(`refuses ${what} with 400, naming ${field === '' ? 'the request' : field} and the rule`, async () => {
          const answer = await send(
            gateway.url,
            binding.verb,
            pathOf(binding, path, query ?? (body === undefined ? queries[method.method] : undefined)),
            headersFor(method),
            body ?? (query === undefined ? good : undefined),
          );
          isProblem(answer, 400, 'VALIDATION_FAILED');
          const violations = answer.json.violations as { field: string; rule: string; message: string }[];
          expect(violations.map((one) => one.field).join(), answer.text).to.match(new RegExp(`^${field}`));
          for (const one of violations) expect(one.rule).to.match(/^[a-z_0-9.]+$/);
        });
      }

      it('refuses other verbs with 405, and tells the right one', async () => {
        const verbs = routes
          .filter((other) => pathOf(other.binding) === pathOf(binding))
          .map((other) => other.binding.verb);
        for (const verb of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND']) {
          if (verbs.includes(verb as 'GET')) continue;
          const answer = await send(gateway.url, verb, goodPath);
          isProblem(answer, 405, 'METHOD_NOT_ALLOWED');
          expect(answer.headers.allow?.split(', ').sort(), verb).to.deep.equal([...verbs].sort());
        }
      });

      it('does not find it under another spelling', async () => {
        for (const path of [
          `${pathOf(binding)}/`,
          `/${pathOf(binding)}`,
          pathOf(binding).toUpperCase(),
          `${pathOf(binding)};a=b`,
        ]) {
          const answer = await send(gateway.url, binding.verb, path, headersFor(method), good);
          // A path that ends with a field has the rest in it.
          if (/\{[^}]*\}$/.test(binding.template) && path.includes(';')) continue;
          isProblem(answer, 404, 'ROUTE_NOT_FOUND');
        }
      });

      if (binding.body !== '') {
        it('refuses a body that is none: 400, 413, 415', async () => {
          const headers = headersFor(method);
          isProblem(
            await send(gateway.url, binding.verb, goodPath, headers, '{"a":'),
            400,
            'MALFORMED_REQUEST',
          );
          isProblem(
            await send(gateway.url, binding.verb, goodPath, headers, '\ufeff{}'),
            400,
            'MALFORMED_REQUEST',
          );
          isProblem(
            await send(gateway.url, binding.verb, goodPath, headers, ' '.repeat(65_537)),
            413,
            'BODY_TOO_LARGE',
          );
          for (const type of [
            'text/plain',
            'application/jsonp',
            'application/x-www-form-urlencoded',
            'multipart/form-data; boundary=a',
            '',
          ])
            isProblem(
              await send(gateway.url, binding.verb, goodPath, { ...headers, 'content-type': type }, '{}'),
              415,
              'UNSUPPORTED_MEDIA_TYPE',
            );
          isProblem(await send(gateway.url, binding.verb, goodPath, headers, Buffer.from('{}')), 415);
        });
      }

      if (method.exposure !== 'public') {
        it('refuses who has no token, a bad one or one for something else: 401 and 403', async () => {
          const go = (authorization: string | undefined) =>
            send(
              gateway.url,
              binding.verb,
              goodPath,
              {
                ...headersFor(method, ''),
                ...(authorization === undefined ? { authorization: [] } : { authorization }),
              },
              good,
            );
          if (method.scope !== 'cart') {
            const answer = await go(undefined);
            isProblem(answer, 401, 'TOKEN_MISSING');
            expect(answer.headers['www-authenticate']).to.equal('Bearer');
          }
          for (const authorization of ['Bearer nonsense', 'Bearer', 'Bearer a b', 'Basic YTpi', 'nonsense'])
            isProblem(await go(authorization), 401, 'TOKEN_INVALID');
          isProblem(await go(`Bearer ${gateway.tokenOf(buyer, -60_000)}`), 401, 'TOKEN_EXPIRED');
          const stranger = gateway.tokenOf({ ...buyer, scopes: ['nothing'] });
          isProblem(await go(`Bearer ${stranger}`), 403, 'SCOPE_MISSING');
          if (method.exposure === 'operator')
            isProblem(await go(`Bearer ${gateway.tokenOf(buyer)}`), 403, 'SCOPE_MISSING');
        });
      }

      if (method.idempotencyKey === 'required') {
        it('refuses a command without a key with 400', async () => {
          const authorization = `Bearer ${tokenFor(method)}`;
          const answer = await send(gateway.url, binding.verb, goodPath, { authorization }, good);
          isProblem(answer, 400, 'IDEMPOTENCY_KEY_REQUIRED');
          expect(answer.json.violations[0]).to.include({ field: 'idempotency-key', rule: 'required' });
        });
      }

      if (method.idempotencyKey !== 'none') {
        it('refuses a key that is two, or no key', async () => {
          for (const key of [['a', 'b'], ['a', 'a'], 'a b', 'ü', 'a'.repeat(201), '"']) {
            if (key === '"') continue;
            const headers = { ...headersFor(method), 'idempotency-key': key };
            const answer = await send(gateway.url, binding.verb, goodPath, headers, good);
            isProblem(answer, 400);
            expect(answer.json.violations[0].field).to.equal('idempotency-key');
          }
        });
      }
    });
  }

  it('are all that there is: internal methods have none', async () => {
    for (const method of policies.values()) {
      if (method.http.length > 0) continue;
      for (const path of [method.path, `/v1${method.path}`])
        isProblem(await send(gateway.url, 'POST', path, {}, {}), 404, 'ROUTE_NOT_FOUND');
    }
  });

  it('can not be reached by a path that is wrongly encoded: 400, and nothing of the framework in the answer', async () => {
    for (const path of ['/v1/products/%', '/v1/products/%zz', '/v1/products/%c0%af', '/v1/%ff/x', '/%'])
      isProblem(await send(gateway.url, 'GET', path), 400, 'MALFORMED_REQUEST');
    expect(gateway.observed).to.include('GET none 400');
  });

  it('do not mistake what is encoded in a path for more of the path', async () => {
    for (const value of ['a%2Fb', '..%2F..%2Fcart', 'one%3Acancel', '%2e%2e%2f'])
      isProblem(
        await send(
          gateway.url,
          'GET',
          `/v1/orders/${value}`,
          headersFor(policies.get('/meshmart.order.v1.OrderService/GetOrder') as MethodPolicy),
        ),
        404,
      );
  });

  it('answer a head with what they would say, and a stream not at all', async () => {
    const head = await send(gateway.url, 'HEAD', '/v1/products');
    expect([head.status, head.text]).to.deep.equal([200, '']);
    const stream = await send(gateway.url, 'HEAD', '/v1/orders/one/events', {
      authorization: `Bearer ${gateway.tokenOf(buyer)}`,
    });
    expect(stream.status).to.equal(405);
  });
});
