import { type DescField, type DescMessage, getOption, type JsonValue } from '@bufbuild/protobuf';
import { redactText } from '../telemetry/redact.js';
import type { Contract } from './image.js';
import { bytesToJson } from './json.js';

/** What stands in the place of a secret. */
const masked = '[redacted]';

const optionName = 'meshmart.options.v1.sensitive';

/**
 * Decodes a message to JSON for people who run the shop: the value of each field that the contract calls sensitive is
 * replaced at any depth, and card numbers and tokens within other texts are masked as in the log.
 * @throws Error when the bytes are no such message; RangeError when the contracts don't have it.
 */
export function bytesToMaskedJson(contract: Contract, typeName: string, bytes: Uint8Array): JsonValue {
  const json = bytesToJson(contract, typeName, bytes);
  const option = contract.registry.getExtension(optionName);
  if (option === undefined) throw new Error(`the image has no option ${optionName}`);
  const isSensitive = (field: DescField) =>
    (getOption as (element: DescField, extension: typeof option) => unknown)(field, option) === true;

  const maskMessage = (type: DescMessage, value: JsonValue): JsonValue => {
    // Timestamps and the like are texts in JSON.
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return maskTexts(value);
    return Object.fromEntries(
      Object.entries(value).map(([name, member]) => {
        const field = type.fields.find(({ jsonName }) => jsonName === name);
        if (field === undefined) return [name, maskTexts(member)];
        return [name, isSensitive(field) ? masked : maskField(field, member)];
      }),
    );
  };
  const maskField = (field: DescField, value: JsonValue): JsonValue => {
    const type = field.message;
    if (type === undefined) return maskTexts(value);
    if (field.fieldKind === 'list' && Array.isArray(value))
      return value.map((item) => maskMessage(type, item));
    if (field.fieldKind === 'map' && typeof value === 'object' && value !== null)
      return Object.fromEntries(
        Object.entries(value).map(([key, item]) => [redactText(key), maskMessage(type, item)]),
      );
    return maskMessage(type, value);
  };

  const type = contract.registry.getMessage(typeName);
  return type === undefined ? masked : maskMessage(type, json);
}

function maskTexts(value: JsonValue): JsonValue {
  if (typeof value === 'string') return redactText(value);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(maskTexts);
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [redactText(name), maskTexts(member)]),
  );
}
