import { type DescMessage, fromBinary } from '@bufbuild/protobuf';
import type { Path } from '@bufbuild/protobuf/reflect';
import { createValidator as createProtovalidate } from '@bufbuild/protovalidate';
import { type FieldViolation, MeshError } from './error.js';
import type { Contract } from './image.js';
import { nulTexts } from './nul-text.js';

/** Checks encoded messages against the rules of the contract. */
export interface Validator {
  /**
   * The rules that a message breaks; none means that it is good. Text with a NUL character breaks `string.nul` everywhere.
   * @param typeName full name of the message.
   * @throws MeshError INVALID_ARGUMENT (MALFORMED_REQUEST) when the bytes are no such message.
   */
  check(typeName: string, bytes: Uint8Array): FieldViolation[];
  /** Compiles the rules of these messages now instead of at their first use. */
  warm(typeNames: Iterable<string>): void;
}

/** A validator over protovalidate; it runs on protobuf-es messages, so the bytes are decoded once more for it. */
export function createValidator(contract: Contract): Validator {
  const protovalidate = createProtovalidate({ registry: contract.registry });
  const check = (typeName: string, bytes: Uint8Array): FieldViolation[] => {
    const type = contract.registry.getMessage(typeName);
    if (type === undefined) throw new RangeError(`the contracts have no message ${typeName}`);
    const message = decode(type, bytes);
    // Few encoded messages have a zero byte at all.
    const nuls = bytes.includes(0) ? nulTexts(type, message) : [];
    if (nuls.length > 0) return nuls;
    const result = protovalidate.validate(type, message);
    switch (result.kind) {
      case 'valid':
        return [];
      case 'invalid':
        return result.violations.map((violation) => ({
          field: jsonPath(violation.field),
          rule: violation.ruleId,
          message: violation.message,
        }));
      case 'error':
        throw result.error;
      default:
        return result satisfies never;
    }
  };
  return {
    check,
    warm: (typeNames) => {
      for (const typeName of typeNames) check(typeName, new Uint8Array());
    },
  };
}

function decode(type: DescMessage, bytes: Uint8Array) {
  try {
    return fromBinary(type, bytes, { readUnknownFields: false });
  } catch (cause) {
    throw new MeshError({
      code: 'INVALID_ARGUMENT',
      reason: 'MALFORMED_REQUEST',
      message: `the request is not an encoded ${type.typeName}`,
      cause,
    });
  }
}

/** A protobuf path in the words of the JSON mapping: `shippingAddress.country`, `ids[2]`. */
function jsonPath(path: Path): string {
  let text = '';
  for (const part of path) {
    if (part.kind === 'field') text += `${text === '' ? '' : '.'}${part.jsonName}`;
    else if (part.kind === 'list_sub') text += `[${part.index}]`;
    else if (part.kind === 'map_sub') text += `["${String(part.key)}"]`;
  }
  return text;
}
