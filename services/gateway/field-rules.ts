import { type DescField, getOption } from '@bufbuild/protobuf';
import type { Contract } from '../../mesh/contract/image.js';

/** The rules of buf.validate, as protobuf-es reads them without generated code. */
interface RawRules {
  readonly type?: { readonly case?: string; readonly value?: Readonly<Record<string, unknown>> };
}

/** A bound of a number is a oneof there: `{case: 'gte', value: 1}`. */
interface RawBound {
  readonly case?: string;
  readonly value?: unknown;
}

/** Keywords of JSON Schema for the rules of a field: lengths, bounds, patterns. What JSON Schema can't say is left out. */
export function fieldRules(contract: Contract, field: DescField): Record<string, unknown> {
  const extension = contract.registry.getExtension('buf.validate.field');
  if (extension === undefined) return {};
  const rules = (getOption as (element: DescField, option: unknown) => RawRules)(field, extension);
  const value = rules.type?.value;
  if (value === undefined) return {};
  switch (rules.type?.case) {
    case 'string':
      return textRules(value);
    case 'int32':
    case 'uint32':
      return numberRules(value);
    case 'repeated':
      return keep({ minItems: countOf(value['minItems']), maxItems: countOf(value['maxItems']) });
    default:
      return {};
  }
}

function textRules(value: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const exact = countOf(value['len']);
  const wellKnown = value['wellKnown'] as RawBound | undefined;
  return keep({
    minLength: exact ?? countOf(value['minLen']),
    maxLength: exact ?? countOf(value['maxLen']),
    pattern: value['pattern'] === '' ? undefined : value['pattern'],
    format: wellKnown?.case === 'email' ? 'email' : undefined,
  });
}

function numberRules(value: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const most = value['lessThan'] as RawBound | undefined;
  const least = value['greaterThan'] as RawBound | undefined;
  return keep({
    maximum: most?.case === 'lte' ? most.value : undefined,
    exclusiveMaximum: most?.case === 'lt' ? most.value : undefined,
    minimum: least?.case === 'gte' ? least.value : undefined,
    exclusiveMinimum: least?.case === 'gt' ? least.value : undefined,
  });
}

/** Lengths are 64-bit there and never that long; 0 means that there is no rule. */
function countOf(value: unknown): number | undefined {
  const count = Number(value ?? 0);
  return count > 0 ? count : undefined;
}

function keep(keywords: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(keywords).filter(([, value]) => value !== undefined));
}
