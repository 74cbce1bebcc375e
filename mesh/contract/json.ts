import {
  type DescField,
  type DescMessage,
  fromBinary,
  fromJson,
  type JsonValue,
  ScalarType,
  toBinary,
  toJson,
} from '@bufbuild/protobuf';
import { base64Decode } from '@bufbuild/protobuf/wire';
import { type FieldViolation, invalidRequest } from './error.js';
import type { Contract } from './image.js';

/** Most levels of objects and lists in a request. */
const maxDepth = 32;

/**
 * Encodes a JSON value by the proto3 JSON mapping, but strictly: numbers of 32 bits must be numbers, unknown keys are
 * refused, and every field that is wrong is named, not just the first.
 * @throws MeshError INVALID_ARGUMENT (VALIDATION_FAILED) with a violation for each field.
 */
export function jsonToBytes(contract: Contract, typeName: string, value: unknown): Uint8Array {
  const type = messageOf(contract, typeName);
  const violations: FieldViolation[] = [];
  checkMessage(type, value, '', 0, violations);
  if (violations.length > 0) throw invalidRequest(violations);
  try {
    return toBinary(type, fromJson(type, value as JsonValue, { registry: contract.registry }));
  } catch (cause) {
    throw invalidRequest([
      { field: '', rule: 'json', message: (cause as Error).message.split('\n')[0] ?? 'is not valid' },
    ]);
  }
}

/** Decodes to the proto3 JSON mapping with defaults written out: lists as [], 64-bit numbers as text. */
export function bytesToJson(contract: Contract, typeName: string, bytes: Uint8Array): JsonValue {
  const type = messageOf(contract, typeName);
  return toJson(type, fromBinary(type, bytes), { alwaysEmitImplicit: true, registry: contract.registry });
}

function messageOf(contract: Contract, typeName: string): DescMessage {
  const type = contract.registry.getMessage(typeName);
  if (type === undefined) throw new RangeError(`the contracts have no message ${typeName}`);
  return type;
}

/** Messages whose JSON form is not an object; protobuf-es reads those itself. */
const textual = new Set([
  'google.protobuf.Timestamp',
  'google.protobuf.Duration',
  'google.protobuf.FieldMask',
]);

function checkMessage(
  type: DescMessage,
  value: unknown,
  path: string,
  depth: number,
  found: FieldViolation[],
): void {
  if (textual.has(type.typeName)) {
    if (typeof value !== 'string') found.push(wrongType(path, 'text', value));
    else if (!works(() => fromJson(type, value)))
      found.push({ field: path, rule: 'json.format', message: `is not a ${type.name} as JSON writes it` });
    return;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    found.push(wrongType(path, 'an object', value));
    return;
  }
  if (depth >= maxDepth) {
    found.push({ field: path, rule: 'json.depth', message: `is nested deeper than ${maxDepth} levels` });
    return;
  }
  const seen = new Map<DescField, string>();
  for (const [key, member] of Object.entries(value)) {
    const field = type.fields.find((candidate) => candidate.jsonName === key || candidate.name === key);
    const at = path === '' ? key : `${path}.${key}`;
    if (field === undefined) {
      found.push({ field: at, rule: 'json.unknown_key', message: 'is not a field of this request' });
      continue;
    }
    const before = seen.get(field);
    if (before !== undefined)
      found.push({ field: at, rule: 'json.duplicate', message: `is there twice, as ${before} too` });
    seen.set(field, key);
    if (member !== null) checkField(field, member, at, depth + 1, found);
  }
}

function checkField(
  field: DescField,
  value: unknown,
  path: string,
  depth: number,
  found: FieldViolation[],
): void {
  switch (field.fieldKind) {
    case 'message':
      checkMessage(field.message, value, path, depth, found);
      return;
    case 'enum':
      if (typeof value !== 'string' || !field.enum.values.some((known) => known.name === value)) {
        found.push({
          field: path,
          rule: 'json.enum',
          message: `must be one of ${field.enum.values.map((v) => v.name).join(', ')}`,
        });
      }
      return;
    case 'scalar':
      checkScalar(field.scalar, value, path, found);
      return;
    case 'list':
      if (!Array.isArray(value)) {
        found.push(wrongType(path, 'a list', value));
        return;
      }
      value.forEach((item, index) => {
        const at = `${path}[${index}]`;
        if (field.listKind === 'message') checkMessage(field.message, item, at, depth + 1, found);
        else if (field.listKind === 'scalar') checkScalar(field.scalar, item, at, found);
      });
      return;
    case 'map':
      if (typeof value !== 'object' || Array.isArray(value)) found.push(wrongType(path, 'an object', value));
      return;
    default:
      field satisfies never;
  }
}

function checkScalar(scalar: ScalarType, value: unknown, path: string, found: FieldViolation[]): void {
  switch (scalar) {
    case ScalarType.STRING:
      if (typeof value !== 'string') found.push(wrongType(path, 'text', value));
      else if (/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/.test(value)) {
        found.push({
          field: path,
          rule: 'json.unicode',
          message: 'holds half a character (a lone surrogate)',
        });
      } else if (value.includes('\0')) {
        found.push({ field: path, rule: 'json.nul', message: 'holds a NUL character' });
      }
      return;
    case ScalarType.BOOL:
      if (typeof value !== 'boolean') found.push(wrongType(path, 'true or false', value));
      return;
    case ScalarType.BYTES:
      if (typeof value !== 'string') found.push(wrongType(path, 'base64 text', value));
      else if (!works(() => base64Decode(value)))
        found.push({ field: path, rule: 'json.format', message: 'is not base64' });
      return;
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      if (typeof value !== 'number' || !Number.isFinite(value))
        found.push(wrongType(path, 'a number', value));
      return;
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
      checkInteger(value, -(2n ** 63n), 2n ** 63n - 1n, 64, path, found);
      return;
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      checkInteger(value, 0n, 2n ** 64n - 1n, 64, path, found);
      return;
    case ScalarType.INT32:
    case ScalarType.SINT32:
    case ScalarType.SFIXED32:
      checkInteger(value, -(2n ** 31n), 2n ** 31n - 1n, 32, path, found);
      return;
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      checkInteger(value, 0n, 2n ** 32n - 1n, 32, path, found);
      return;
    default:
      scalar satisfies never;
  }
}

function checkInteger(
  value: unknown,
  least: bigint,
  most: bigint,
  bits: 32 | 64,
  path: string,
  found: FieldViolation[],
): void {
  const asText = bits === 64 && typeof value === 'string' && /^-?\d{1,20}$/.test(value);
  if (!asText && typeof value !== 'number') {
    found.push(wrongType(path, bits === 64 ? 'a whole number, as text or number' : 'a number', value));
    return;
  }
  if (typeof value === 'number' && !Number.isInteger(value)) {
    found.push({ field: path, rule: 'json.integer', message: 'must be a whole number' });
    return;
  }
  if (typeof value === 'number' && bits === 64 && !Number.isSafeInteger(value)) {
    found.push({
      field: path,
      rule: 'json.range',
      message: 'is too large for a JSON number: write it as text',
    });
    return;
  }
  const number = BigInt(value as string | number);
  if (number < least || number > most) {
    found.push({ field: path, rule: 'json.range', message: `must be from ${least} to ${most}` });
  }
}

function works(read: () => unknown): boolean {
  try {
    read();
    return true;
  } catch {
    return false;
  }
}

function wrongType(path: string, wanted: string, value: unknown): FieldViolation {
  const got =
    value === null
      ? 'null'
      : Array.isArray(value)
        ? 'a list'
        : typeof value === 'object'
          ? 'an object'
          : typeof value;
  return { field: path, rule: 'json.type', message: `must be ${wanted}, not ${got}` };
}
