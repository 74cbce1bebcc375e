import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { create, type DescField, fromJson, getOption, toBinary } from '@bufbuild/protobuf';
import { reflect } from '@bufbuild/protobuf/reflect';
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { expect } from 'chai';
import { OrderPlaced } from '../../proto/gen/meshmart/order/v1/order_events.js';
import { packageRoot } from '../runtime/package-root.js';
import { loadContract } from './image.js';
import { bytesToMaskedJson } from './masked-json.js';

const contract = loadContract(readFileSync(join(packageRoot(), 'proto', 'image.binpb')));
const option = contract.registry.getExtension('meshmart.options.v1.sensitive');
if (option === undefined) throw new Error('the image has no option meshmart.options.v1.sensitive');
const isSensitive = (field: DescField) =>
  (getOption as (element: DescField, extension: typeof option) => unknown)(field, option) === true;

const messages = [...contract.registry].filter((type) => type.kind === 'message');

const text = { label: 'LABEL_OPTIONAL', type: 'TYPE_STRING' };
const inner = { label: 'LABEL_OPTIONAL', type: 'TYPE_MESSAGE', typeName: '.test.Inner' };
const sensitiveText = { ...text, options: { '[meshmart.options.v1.sensitive]': true } };
const entry = {
  name: 'NamedEntry',
  options: { mapEntry: true },
  field: [
    { ...text, name: 'key', jsonName: 'key', number: 1 },
    { ...inner, name: 'value', jsonName: 'value', number: 2 },
  ],
};
/** Messages within messages, which ours have no secrets in. */
const nestingFile = {
  name: 'test.proto',
  package: 'test',
  syntax: 'proto3',
  dependency: ['meshmart/options/v1/options.proto'],
  messageType: [
    {
      name: 'Inner',
      field: [
        { ...sensitiveText, name: 'key', jsonName: 'key', number: 1 },
        { ...text, name: 'plain', jsonName: 'plain', number: 2 },
      ],
    },
    {
      name: 'Outer',
      nestedType: [entry],
      field: [
        { ...inner, name: 'one', jsonName: 'one', number: 1 },
        { ...inner, name: 'many', jsonName: 'many', number: 2, label: 'LABEL_REPEATED' },
        {
          ...inner,
          name: 'named',
          jsonName: 'named',
          number: 3,
          label: 'LABEL_REPEATED',
          typeName: '.test.Outer.NamedEntry',
        },
      ],
    },
  ],
};
const nesting = loadContract(
  toBinary(FileDescriptorSetSchema, {
    ...contract.files,
    file: [
      ...contract.files.file,
      fromJson(FileDescriptorProtoSchema, nestingFile, { registry: contract.registry }),
    ],
  }),
);

describe('a message as operators see it', () => {
  it('is shown by its contract, names and numbers as they are', () => {
    const bytes = OrderPlaced.encode(
      OrderPlaced.fromPartial({
        orderId: 'ord_1',
        userId: 'usr_1',
        lines: [{ productId: 'prd_1', quantity: 2 }],
      }),
    ).finish();
    expect(bytesToMaskedJson(contract, 'meshmart.order.v1.OrderPlaced', bytes)).to.deep.include({
      orderId: 'ord_1',
      userId: 'usr_1',
    });
  });

  it('has no value of any field that the contract calls sensitive', () => {
    const sensitive = messages.flatMap(({ fields }) => fields).filter(isSensitive);
    expect(sensitive.length).to.be.greaterThan(5);
    for (const field of sensitive) {
      const message = create(field.parent);
      reflect(field.parent, message).set(field, 'a-secret');
      const shown = bytesToMaskedJson(contract, field.parent.typeName, toBinary(field.parent, message));
      expect(shown, String(field)).to.have.property(field.jsonName, '[redacted]');
      expect(JSON.stringify(shown), String(field)).to.not.include('a-secret');
    }
  });

  it('has none of them within another message either, alone, in a list or in a map', () => {
    const outer = nesting.registry.getMessage('test.Outer');
    if (outer === undefined) throw new Error('the file has no test.Outer');
    const bytes = toBinary(
      outer,
      fromJson(outer, {
        one: { key: 'a-secret', plain: 'kept' },
        many: [{ key: 'a-secret' }, { plain: 'kept' }],
        named: { first: { key: 'a-secret' } },
      }),
    );
    expect(bytesToMaskedJson(nesting, 'test.Outer', bytes)).to.deep.equal({
      one: { key: '[redacted]', plain: 'kept' },
      many: [
        { key: '[redacted]', plain: '' },
        { key: '[redacted]', plain: 'kept' },
      ],
      named: { first: { key: '[redacted]', plain: '' } },
    });
  });

  it('has no card number that somebody wrote into another text', () => {
    const bytes = OrderPlaced.encode(OrderPlaced.fromPartial({ orderId: 'card 4242424242424242' })).finish();
    expect(
      JSON.stringify(bytesToMaskedJson(contract, 'meshmart.order.v1.OrderPlaced', bytes)),
    ).to.not.include('4242424242424242');
  });

  it('is refused when the bytes are none, or the contracts do not have it', () => {
    const show = (type: string, bytes: Uint8Array) => () => bytesToMaskedJson(contract, type, bytes);
    expect(show('meshmart.order.v1.OrderPlaced', new Uint8Array([0xff, 0xff]))).to.throw();
    expect(show('meshmart.order.v1.OrderLost', new Uint8Array())).to.throw(RangeError);
  });
});
