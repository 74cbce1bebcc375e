import type { DescField, DescMessage } from '@bufbuild/protobuf';
import { ScalarType } from '@bufbuild/protobuf';
import { invalidField, MeshError } from '../../mesh/contract/error.js';
import type { HttpBinding } from '../../mesh/contract/policy.js';

/** The parts of an HTTP request that a message is made from. */
export interface HttpParts {
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** The parsed JSON body, or undefined when there is none. */
  readonly body: unknown;
}

/**
 * The parameters behind the `?` of a URL.
 * @throws MeshError INVALID_ARGUMENT for what is no encoded UTF-8: the standard reading puts something else in its place.
 */
export function queryOf(url: string): URLSearchParams {
  const at = url.indexOf('?');
  const text = at < 0 ? '' : url.slice(at + 1);
  try {
    decodeURIComponent(text);
  } catch (cause) {
    throw new MeshError({
      code: 'INVALID_ARGUMENT',
      reason: 'MALFORMED_REQUEST',
      message: 'the query is not well formed: encode what stands behind each % in UTF-8',
      cause,
    });
  }
  return new URLSearchParams(text);
}

/**
 * Puts path, query and body together to the JSON form of the request message, as google.api.http says: the path's fields
 * from the path, the body's from the body, all others from the query. What is wrong with a value is for the strict JSON
 * reader to say; here only what does not fit anywhere is refused.
 * @throws MeshError INVALID_ARGUMENT that names the field.
 */
export function requestJson(type: DescMessage, binding: HttpBinding, parts: HttpParts): unknown {
  const json: Record<string, unknown> = {};
  if (binding.body === '*') {
    const body = parts.body === undefined ? {} : parts.body;
    if (typeof body !== 'object' || body === null || Array.isArray(body)) return body;
    Object.assign(json, body);
  } else if (binding.body !== '') json[jsonNameOf(type, binding.body)] = parts.body;
  for (const [name, value] of Object.entries(parts.params)) {
    const key = jsonNameOf(type, name);
    if (key in json && json[key] !== value)
      throw invalidField(key, 'path', 'is in the path and differently in the body: leave it out of the body');
    json[key] = value;
  }
  if (binding.body === '*') {
    const [stray] = parts.query.keys();
    if (stray !== undefined) throw invalidField(stray, 'query', 'is in the query: send it in the body');
    return json;
  }
  for (const name of new Set(parts.query.keys())) setQuery(type, json, name, parts.query.getAll(name));
  return json;
}

function jsonNameOf(type: DescMessage, name: string): string {
  return type.fields.find((field) => field.name === name)?.jsonName ?? name;
}

function setQuery(
  type: DescMessage,
  json: Record<string, unknown>,
  name: string,
  values: readonly string[],
): void {
  const [head = '', ...rest] = name.split('.');
  const field = type.fields.find((candidate) => candidate.jsonName === head || candidate.name === head);
  if (field === undefined) throw invalidField(name, 'query.unknown', 'is not a field of this request');
  const key = field.jsonName;
  if (field.fieldKind === 'message' && rest.length > 0) {
    const inner = json[key] ?? {};
    if (typeof inner !== 'object') throw repeated(name);
    json[key] = inner;
    setQuery(field.message, inner as Record<string, unknown>, rest.join('.'), values);
    return;
  }
  if (rest.length > 0) throw invalidField(name, 'query.unknown', 'is not a field of this request');
  if (Object.hasOwn(json, key)) throw repeated(name);
  if (field.fieldKind === 'list') json[key] = values.map((value) => scalarOf(field, value));
  else if (values.length > 1) throw repeated(name);
  else json[key] = scalarOf(field, values[0] ?? '');
}

/** The path has the field, or another parameter, perhaps by the field's other name. */
function repeated(name: string): MeshError {
  return invalidField(name, 'query.repeated', 'is there several times, or in the path too: give it once');
}

const numbers32 = new Set<ScalarType>([
  ScalarType.INT32,
  ScalarType.SINT32,
  ScalarType.SFIXED32,
  ScalarType.UINT32,
  ScalarType.FIXED32,
  ScalarType.DOUBLE,
  ScalarType.FLOAT,
]);

/** In a query everything is text: what is a number or a switch in JSON is made one, and left as text when it is none. */
function scalarOf(field: DescField, text: string): unknown {
  const scalar =
    field.fieldKind === 'scalar' || (field.fieldKind === 'list' && field.listKind === 'scalar')
      ? field.scalar
      : undefined;
  if (scalar === undefined) return text;
  if (numbers32.has(scalar) && /^-?\d+(\.\d+)?$/.test(text)) return Number(text);
  if (scalar === ScalarType.BOOL && (text === 'true' || text === 'false')) return text === 'true';
  return text;
}
