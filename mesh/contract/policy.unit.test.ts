import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  clearExtension,
  clone,
  create,
  createFileRegistry,
  type DescExtension,
  type DescMessage,
  setExtension,
} from '@bufbuild/protobuf';
import {
  FileDescriptorSetSchema,
  MethodOptions_IdempotencyLevel as Level,
  type MethodDescriptorProto,
  type MethodOptions,
  MethodOptionsSchema,
} from '@bufbuild/protobuf/wkt';
import { expect } from 'chai';
import { packageRoot } from '../runtime/package-root.js';
import { type Contract, loadContract } from './image.js';
import { type MethodPolicy, readPolicies } from './policy.js';

const contract = loadContract(readFileSync(join(packageRoot(), 'proto', 'image.binpb')));
const ours = extensionOf('meshmart.options.v1.method');
const http = extensionOf('google.api.http');
const path = '/meshmart.cart.v1.CartService/AddItem';

function extensionOf(name: string): DescExtension {
  const extension = contract.registry.getExtension(name);
  if (extension === undefined) throw new Error(`the image has no ${name}`);
  return extension;
}

/** The contracts with another AddItem. */
function contractWith(change: (options: MethodOptions, method: MethodDescriptorProto) => void): Contract {
  const files = clone(FileDescriptorSetSchema, contract.files);
  const method = files.file
    .find(({ name }) => name === 'meshmart/cart/v1/cart.proto')
    ?.service[0]?.method.find(({ name }) => name === 'AddItem');
  if (method === undefined) throw new Error('the image has no AddItem');
  method.options ??= create(MethodOptionsSchema);
  change(method.options, method);
  return { files, registry: createFileRegistry(files) };
}

/** Sets an option whose type is known only at run time. */
function set(options: MethodOptions, extension: DescExtension, value: object): void {
  const message = create(extension.message as DescMessage, value as never);
  (setExtension as (options: MethodOptions, extension: DescExtension, value: unknown) => void)(
    options,
    extension,
    message,
  );
}

const good = { deadline: { seconds: 2n, nanos: 500_000_000 }, priority: 2, exposure: 2, scope: 'cart' };
const policyWith = (changed: object, also: (options: MethodOptions) => void = () => undefined) =>
  readPolicies(
    contractWith((options) => {
      set(options, ours, { ...good, ...changed });
      also(options);
    }),
  ).get(path) as MethodPolicy;

describe('the policy of a method', () => {
  it('is what its options say', () => {
    expect(policyWith({})).to.deep.include({
      path,
      service: 'meshmart.cart.v1.CartService',
      method: 'AddItem',
      kind: 'unary',
      input: 'meshmart.cart.v1.AddItemRequest',
      output: 'meshmart.cart.v1.AddItemResponse',
      deadlineMs: 2_500,
      priority: 'high',
      exposure: 'user',
      scope: 'cart',
      idempotencyKey: 'none',
      cacheableForMs: 0,
      httpStatus: 200,
    });
  });

  const values: [what: string, changed: object, policy: Partial<MethodPolicy>][] = [
    ['the first priority', { priority: 1 }, { priority: 'critical' }],
    ['the last priority', { priority: 4 }, { priority: 'low' }],
    ['a public method', { exposure: 1, scope: '' }, { exposure: 'public', scope: '' }],
    ['an internal method', { exposure: 3, scope: '' }, { exposure: 'internal', scope: '' }],
    ['a method for operators', { exposure: 4, scope: '' }, { exposure: 'operator', scope: '' }],
    ['an optional key', { idempotencyKey: 1 }, { idempotencyKey: 'optional' }],
    ['a required key', { idempotencyKey: 2 }, { idempotencyKey: 'required' }],
    ['an answer to keep', { cacheableFor: { seconds: 60n, nanos: 0 } }, { cacheableForMs: 60_000 }],
    ['a status', { httpStatus: 201 }, { httpStatus: 201 }],
  ];
  for (const [what, changed, policy] of values) {
    it(`tells ${what}`, () => {
      expect(policyWith(changed)).to.include(policy);
    });
  }

  it('tells whether repeating is safe', () => {
    const idempotencyOf = (level: Level) =>
      policyWith({}, (options) => {
        options.idempotencyLevel = level;
      }).idempotency;
    expect(
      [Level.IDEMPOTENCY_UNKNOWN, Level.NO_SIDE_EFFECTS, Level.IDEMPOTENT].map(idempotencyOf),
    ).to.deep.equal(['unknown', 'no_side_effects', 'idempotent']);
  });

  it('tells all kinds of streams', () => {
    const kindOf = (client: boolean, server: boolean) =>
      readPolicies(
        contractWith((_options, method) => {
          method.clientStreaming = client;
          method.serverStreaming = server;
        }),
      ).get(path)?.kind;
    expect([
      kindOf(false, false),
      kindOf(false, true),
      kindOf(true, false),
      kindOf(true, true),
    ]).to.deep.equal(['unary', 'server_streaming', 'client_streaming', 'bidi_streaming']);
  });

  it('tells every way to call it over REST, and none when it has none', () => {
    const bindings = (rule: object) => policyWith({}, (options) => set(options, http, rule)).http;
    expect(
      bindings({
        pattern: { case: 'post', value: '/v1/cart/items' },
        body: '*',
        additionalBindings: [{ pattern: { case: 'get', value: '/v1/add/{product_id}' }, body: '' }],
      }),
    ).to.deep.equal([
      { verb: 'POST', template: '/v1/cart/items', body: '*' },
      { verb: 'GET', template: '/v1/add/{product_id}', body: '' },
    ]);
    expect(policyWith({}, (options) => clearExtension(options, http)).http).to.deep.equal([]);
  });

  describe('names the method when', () => {
    const incomplete = `${path} needs option (meshmart.options.v1.method) with deadline, priority and exposure`;
    const wrong: [what: string, changed: object, says: string][] = [
      ['the deadline is missing', { deadline: undefined }, incomplete],
      ['the deadline is zero', { deadline: { seconds: 0n, nanos: 0 } }, incomplete],
      ['the deadline is in the past', { deadline: { seconds: -1n, nanos: 0 } }, incomplete],
      ['the priority is missing', { priority: 0 }, incomplete],
      ['the priority is not one that is known', { priority: 5 }, incomplete],
      ['the exposure is missing', { exposure: 0 }, incomplete],
      ['the exposure is not one that is known', { exposure: 9 }, incomplete],
      [
        'a method for users has no scope',
        { scope: '' },
        `${path}: a scope belongs to EXPOSURE_USER, and only there`,
      ],
      [
        'a public method has a scope',
        { exposure: 1 },
        `${path}: a scope belongs to EXPOSURE_USER, and only there`,
      ],
    ];
    for (const [what, changed, says] of wrong) {
      it(what, () => {
        expect(() => policyWith(changed)).to.throw(says);
      });
    }

    it('it has no options at all', () => {
      const bare = contractWith((options) => clearExtension(options, ours));
      expect(() => readPolicies(bare)).to.throw(incomplete);
    });

    it('its HTTP verb is its own invention', () => {
      const rule = { pattern: { case: 'custom', value: { kind: 'BREW', path: '/pot' } } };
      expect(() => policyWith({}, (options) => set(options, http, rule))).to.throw(
        'meshmart.cart.v1.CartService/AddItem: custom HTTP verbs are not supported',
      );
    });
  });

  it('is read of the services below a prefix and of no others', () => {
    const some = readPolicies(contract, 'meshmart.cart.');
    expect(new Set([...some.values()].map(({ service }) => service))).to.deep.equal(
      new Set(['meshmart.cart.v1.CartService']),
    );
    expect(readPolicies(contract, 'nothing.').size).to.equal(0);
  });

  it('can not be read where the image lacks our option', () => {
    const files = clone(FileDescriptorSetSchema, contract.files);
    const registry = createFileRegistry(files);
    const lacking = {
      files,
      registry: Object.create(registry, { getExtension: { value: () => undefined } }),
    };
    expect(() => readPolicies(lacking)).to.throw('the image has no option meshmart.options.v1.method');
  });
});
