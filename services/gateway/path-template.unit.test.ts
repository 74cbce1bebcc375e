import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import fastify, { type FastifyInstance } from 'fastify';
import { loadContract } from '../../mesh/contract/image.js';
import { readPolicies } from '../../mesh/contract/policy.js';
import { packageRoot } from '../../mesh/runtime/package-root.js';
import { routePathOf } from './path-template.js';

const contract = loadContract(readFileSync(join(packageRoot(), 'proto', 'image.binpb')));
const bindings = [...readPolicies(contract).values()].flatMap((method) =>
  method.http.map((binding) => ({ path: method.path, input: method.input, ...binding })),
);

/** A path of the template with this value for each field. */
const filled = (template: string, value: string) => template.replace(/\{[^}]*\}/g, encodeURIComponent(value));

describe('a path template', () => {
  it('without fields is itself', () => {
    expect(routePathOf('/v1/orders')).to.deep.equal({ url: '/v1/orders', fields: [] });
    expect(routePathOf('/.well-known/jwks.json')).to.deep.equal({
      url: '/.well-known/jwks.json',
      fields: [],
    });
  });

  it('has its fields and its verb in the syntax of the router', () => {
    expect(routePathOf('/v1/orders/{id}:cancel')).to.deep.equal({
      url: '/v1/orders/:id(^[^:/]+)::cancel',
      fields: ['id'],
    });
    expect(routePathOf('/v1/products:search').url).to.equal('/v1/products::search');
    expect(routePathOf('/v1/a/{one_id}/b/{two_id}').fields).to.deep.equal(['one_id', 'two_id']);
  });

  for (const template of ['/v1/{name=orders/*}', '/v1/{order.id}', '/v1/{**}', '/v1/{}', '/v1/{Id}'])
    it(`${template} is refused by name: the contracts have no such thing`, () => {
      expect(() => routePathOf(template)).to.throw(template);
    });

  it('of each binding of the contracts names fields that its request has', () => {
    expect(bindings.length).to.be.greaterThan(30);
    for (const { template, input } of bindings) {
      const fields = contract.registry.getMessage(input)?.fields.map(({ name }) => name) ?? [];
      expect(fields, template).to.include.members([...routePathOf(template).fields]);
    }
  });

  it('stands for one method only', () => {
    const shapes = bindings.map(({ verb, template }) => `${verb} ${template.replace(/\{[^}]*\}/g, '{}')}`);
    expect(new Set(shapes).size).to.equal(shapes.length);
  });
});

describe('the routes of all bindings, in one router', () => {
  let app: FastifyInstance;
  before(async () => {
    app = fastify({ routerOptions: { maxParamLength: 16_384 } });
    for (const { verb, template, path } of bindings) {
      const { url } = routePathOf(template);
      app.route({ method: verb, url, handler: async ({ params }) => ({ path, params }) });
    }
    await app.ready();
  });
  after(() => app.close());

  const route = async (method: 'GET' | 'POST' | 'PATCH' | 'DELETE' | 'PUT', url: string) => {
    const answer = await app.inject({ method, url });
    return answer.statusCode === 200
      ? (answer.json() as { path: string; params: Record<string, string> })
      : undefined;
  };

  for (const { verb, template, path } of bindings) {
    it(`lead ${verb} ${template} to ${path.split('/')[2]}, with what stands in the path`, async () => {
      for (const value of ['ord_01h', 'a b', 'ü', '%', '%2e', 'a.b', '*', 'a'.repeat(300)]) {
        const answer = await route(verb, filled(template, value));
        expect(answer?.path, value).to.equal(path);
        for (const field of routePathOf(template).fields)
          expect(answer?.params[field], `${field} of ${value}`).to.equal(value);
      }
    });
  }

  it('take a value for one part of the path, whatever is encoded in it', async () => {
    for (const value of ['a/b', 'a/../b', '../admin', 'x:cancel', '/', ':'])
      expect(await route('GET', `/v1/orders/${encodeURIComponent(value)}`), value).to.equal(undefined);
    await fc.assert(
      // A part that is dots alone is gone from a URL before it is sent.
      fc.asyncProperty(
        fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }).filter((text) => !/^\.+$/.test(text)),
        async (value) => {
          const answer = await route('GET', `/v1/orders/${encodeURIComponent(value)}`);
          if (answer === undefined) expect(value).to.match(/[:/]/);
          else expect(answer.params['id']).to.equal(value);
        },
      ),
    );
  });

  it('do not mistake a verb for a part of the path, nor one verb for another', async () => {
    expect((await route('POST', '/v1/orders/x:cancel'))?.path).to.match(/CancelOrder$/);
    for (const url of [
      '/v1/orders/x:refund',
      '/v1/orders/x:',
      '/v1/orders/:cancel',
      '/v1/orders/x:cancel:cancel',
      '/v1/orders/x:cancel/',
      '/v1/orders/x:CANCEL',
      '/v1/orders/x/cancel',
    ])
      expect(await route('POST', url), url).to.equal(undefined);
    expect(await route('GET', '/v1/orders/x:cancel')).to.equal(undefined);
    expect(await route('GET', '/v1/products:find')).to.equal(undefined);
  });
});
