import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { create, type DescField, getOption, toBinary } from '@bufbuild/protobuf';
import { reflect } from '@bufbuild/protobuf/reflect';
import { expect } from 'chai';
import { packageRoot } from '../runtime/package-root.js';
import { redactFields } from '../telemetry/redact.js';
import { MeshError } from './error.js';
import { loadContract } from './image.js';
import { jsonToBytes } from './json.js';
import { createValidator } from './validation.js';

const contract = loadContract(readFileSync(join(packageRoot(), 'proto', 'image.binpb')));
const option = contract.registry.getExtension('meshmart.options.v1.sensitive');

function isSensitive(field: DescField): boolean {
  if (option === undefined) throw new Error('the image has no option meshmart.options.v1.sensitive');
  return (getOption as (element: DescField, extension: typeof option) => unknown)(field, option) === true;
}

const fields = [...contract.registry]
  .filter((type) => type.kind === 'message')
  .filter(({ typeName }) => typeName.startsWith('meshmart.'))
  .flatMap((type) => type.fields);
const sensitive = fields.filter(isSensitive);

/** Whole messages are shown by masked-json.ts alone, which reads the option. Here it judges the nets that do not know it. */
describe('a field that the contract calls sensitive', () => {
  it('is each card number, security code, password and token, and they are all of them', () => {
    expect(new Set(sensitive.map(({ jsonName }) => jsonName))).to.deep.equal(
      new Set(['cardNumber', 'cvc', 'password', 'token', 'guestToken', 'paymentToken']),
    );
  });

  it('is replaced by the log in either spelling, and no other field is', () => {
    for (const field of fields) {
      for (const name of [field.name, field.jsonName]) {
        const [shown] = Object.values(redactFields({ [name]: 'value' }));
        expect(shown, String(field)).to.equal(isSensitive(field) ? '[redacted]' : 'value');
      }
    }
  });

  it('is not repeated by an error that says what is wrong with it', () => {
    const secret = 'S3cret-4242424242424242';
    const wrong = [
      secret,
      secret.repeat(200),
      `${secret}\0`,
      `${secret}\ud800`,
      [secret],
      { [secret]: secret },
    ];
    const validator = createValidator(contract);
    for (const field of sensitive) {
      const { typeName } = field.parent;
      const told = wrong.flatMap((value): unknown[] => {
        try {
          return validator.check(typeName, jsonToBytes(contract, typeName, { [field.jsonName]: value }));
        } catch (error) {
          const { message, violations, metadata } = MeshError.from(error);
          return [message, violations, metadata];
        }
      });
      const message = create(field.parent);
      reflect(field.parent, message).set(field, secret.repeat(200));
      told.push(validator.check(typeName, toBinary(field.parent, message)));
      // The name of an unknown key is told; it is what the caller called it, and no value.
      expect(JSON.stringify(told), String(field)).to.not.include('4242424242424242');
    }
  });
});
