import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Validator } from '@seriousme/openapi-schema-validator';
import { expect } from 'chai';
import { loadContract } from '../../mesh/contract/image.js';
import { readPolicies } from '../../mesh/contract/policy.js';
import { packageRoot } from '../../mesh/runtime/package-root.js';
import { openApi } from './openapi.js';

const contract = loadContract(readFileSync(join(packageRoot(), 'proto', 'image.binpb')));
const policies = readPolicies(contract);

interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly description: string;
  readonly parameters?: readonly { name: string; in: string; required: boolean; schema: Schema }[];
  readonly requestBody?: { readonly content: Record<string, { readonly schema: Schema }> };
  readonly responses: Record<string, { readonly content: Record<string, { readonly schema: Schema }> }>;
  readonly security: readonly Record<string, unknown>[];
}

interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly description?: string;
  readonly properties?: Record<string, Schema>;
  readonly [keyword: string]: unknown;
}

interface Description {
  readonly openapi: string;
  readonly info: { readonly version: string };
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: { readonly schemas: Record<string, Schema>; readonly securitySchemes: object };
}

const description = openApi({ contract, policies, version: '1.2.3' }) as unknown as Description;
const operations = Object.entries(description.paths).flatMap(([path, item]) =>
  Object.entries(item).map(([verb, operation]) => ({ path, verb, operation })),
);
const of = (id: string) => {
  const found = operations.find(({ operation }) => operation.operationId === id);
  if (found === undefined) throw new Error(`no operation ${id}`);
  return found;
};

/** Every object and list of a JSON value, from outside in. */
function* nodes(value: unknown): Generator<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return;
  yield value as Record<string, unknown>;
  for (const member of Object.values(value)) yield* nodes(member);
}

describe('the OpenAPI description', () => {
  it('is valid OpenAPI 3.1', async () => {
    const validator = new Validator();
    const { valid, errors } = await validator.validate(JSON.parse(JSON.stringify(description)));
    expect(errors).to.equal(undefined);
    expect(valid).to.equal(true);
    expect(validator.version).to.equal('3.1');
    expect(description.info.version).to.equal('1.2.3');
  });

  it('has every method that REST serves, once, under an id of its own', () => {
    const served = [...policies.values()].flatMap((method) =>
      method.http.map((binding) => ({ method, verb: binding.verb.toLowerCase() })),
    );
    expect(served.length).to.be.greaterThan(30);
    const ids = operations.map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).to.equal(ids.length);
    expect(operations.map(({ verb, operation }) => `${verb} ${operation.operationId}`).sort()).to.deep.equal(
      served.map(({ method, verb }) => `${verb} ${method.service.split('.')[1]}_${method.method}`).sort(),
    );
  });

  it('has no internal method, and no message that only they use', () => {
    const internal = [...policies.values()].filter(({ exposure }) => exposure === 'internal');
    expect(internal.length).to.be.greaterThan(5);
    const ids = new Set(operations.map(({ operation }) => operation.operationId.split('_')[1]));
    const schemas = Object.keys(description.components.schemas);
    for (const { method, input, output, http } of internal) {
      expect(http, method).to.deep.equal([]);
      expect([...ids]).to.not.include(method);
      expect(schemas).to.not.include.members([input.split('.').at(-1) ?? '']);
      expect(schemas).to.not.include.members([output.split('.').at(-1) ?? '']);
    }
  });

  it('would leave an internal method out even if the contract gave it a path', () => {
    const spoilt = new Map(
      [...policies].map(([path, method]) => [
        path,
        method.method === 'Authorize'
          ? { ...method, http: [{ verb: 'POST' as const, template: '/v1/authorize', body: '*' }] }
          : method,
      ]),
    );
    const { paths } = openApi({ contract, policies: spoilt, version: '0' }) as unknown as Description;
    expect(Object.keys(paths)).to.not.include('/v1/authorize');
  });

  it('has what each $ref refers to, and refers to each schema that it has', () => {
    const referred = new Set<string>();
    for (const { $ref } of nodes(description)) {
      if (typeof $ref !== 'string') continue;
      referred.add($ref.replace('#/components/schemas/', ''));
    }
    const there = new Set(Object.keys(description.components.schemas));
    expect([...referred].filter((name) => !there.has(name))).to.deep.equal([]);
    // A request whose field stands in the path is written out where it is used.
    expect([...there].filter((name) => !referred.has(name))).to.deep.equal([]);
  });

  it('has one schema for each message: no two of the same name share one', () => {
    const packages = new Map<string, Set<string>>();
    for (const type of contract.registry) {
      if (type.kind !== 'message' || !type.typeName.startsWith('meshmart.')) continue;
      const name = type.name;
      if (!(name in description.components.schemas)) continue;
      packages.set(name, (packages.get(name) ?? new Set()).add(type.typeName));
    }
    expect([...packages].filter(([, names]) => names.size > 1)).to.deep.equal([]);
  });

  it('names the fields of the path as JSON does, each with a parameter that is required', () => {
    for (const { path, operation } of operations) {
      const inPath = [...path.matchAll(/\{([^}]*)\}/g)].map((match) => match[1]);
      const parameters = (operation.parameters ?? []).filter((parameter) => parameter.in === 'path');
      expect(parameters.map(({ name }) => name).sort(), path).to.deep.equal(inPath.sort());
      for (const { name, required } of parameters) {
        expect(required).to.equal(true);
        expect(name).to.match(/^[a-z][A-Za-z0-9]*$/);
      }
    }
  });

  it('has no parameter twice, and no field both in the path and in the body', () => {
    for (const { path, operation } of operations) {
      const parameters = operation.parameters ?? [];
      const names = parameters.map((parameter) => `${parameter.in} ${parameter.name}`);
      expect(new Set(names).size, path).to.equal(names.length);
      const body = operation.requestBody?.content['application/json']?.schema;
      for (const { name, in: place } of parameters)
        if (place === 'path') expect(Object.keys(body?.properties ?? {}), path).to.not.include(name);
    }
  });

  it('says in words what everything is', () => {
    for (const { operation } of operations) {
      expect(operation.summary, operation.operationId).to.not.equal('');
      expect(operation.description, operation.operationId).to.match(/\w+.*\./);
    }
    for (const [name, schema] of Object.entries(description.components.schemas)) {
      if (name === 'Problem') continue;
      expect(schema.description, name).to.not.equal('');
      for (const [field, { description: text }] of Object.entries(schema.properties ?? {}))
        expect(text, `${name}.${field}`).to.not.equal('');
    }
  });

  it('says the rules of the contract in the words of JSON Schema', () => {
    const { properties = {} } = description.components.schemas['AddItemRequest'] ?? {};
    expect(properties['productId']).to.include({ type: 'string', minLength: 1, maxLength: 64 });
    expect(properties['quantity']).to.include({ type: 'integer', minimum: 1, maximum: 99 });
    const address = description.components.schemas['Address']?.properties ?? {};
    expect(address['country']).to.include({ minLength: 2, maxLength: 2, pattern: '^[A-Z]{2}$' });
    const money = description.components.schemas['Money']?.properties ?? {};
    expect(money['units']).to.include({ type: 'string', format: 'int64' });
    const register = description.components.schemas['RegisterRequest']?.properties ?? {};
    expect(register['email']).to.include({ format: 'email', maxLength: 254 });
    const pageSize = of('catalog_ListProducts').operation.parameters?.find(({ name }) => name === 'pageSize');
    expect(pageSize?.schema).to.include({ type: 'integer', maximum: 100, minimum: 0 });
  });

  it('asks for an idempotency key where the contract does', () => {
    for (const [id, required] of [
      ['order_PlaceOrder', true],
      ['cart_AddItem', false],
      ['cart_ClearCart', undefined],
    ] as const) {
      const key = of(id).operation.parameters?.find(({ name }) => name === 'Idempotency-Key');
      expect(key?.required, id).to.equal(required);
    }
  });

  it('says who may call: anybody, a token, or a guest where there is a cart', () => {
    expect(of('catalog_ListProducts').operation.security).to.deep.equal([{}]);
    expect(of('order_GetOrder').operation.security).to.deep.equal([{ bearer: [] }]);
    expect(of('payment_Refund').operation.security).to.deep.equal([{ bearer: [] }]);
    expect(of('cart_GetCart').operation.security).to.deep.equal([{ bearer: [] }, { guest: [] }, {}]);
  });

  it('says what comes back: the status, the kind of content, and problems for all else', () => {
    for (const { operation } of operations)
      expect(operation.responses['default']?.content['application/problem+json']?.schema.$ref).to.equal(
        '#/components/schemas/Problem',
      );
    const answers = (id: string) =>
      Object.entries(of(id).operation.responses)
        .filter(([status]) => status !== 'default')
        .map(([status, { content }]) => `${status} ${Object.keys(content).join()}`);
    expect(answers('users_Register')).to.deep.equal(['201 application/json']);
    expect(answers('order_PlaceOrder')).to.deep.equal(['201 application/json', '202 application/json']);
    expect(answers('order_WatchOrder')).to.deep.equal(['200 text/event-stream']);
    expect(answers('catalog_GetProductPicture')).to.deep.equal(['200 image/svg+xml']);
    expect(answers('cart_GetCart')).to.deep.equal(['200 application/json']);
  });
});
