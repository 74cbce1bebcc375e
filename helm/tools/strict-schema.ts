/** A part of an OpenAPI document, as JSON. */
export interface OpenApi {
  readonly [key: string]: unknown;
}

/**
 * The JSON schema of one kind of object, whole in itself, for kubeconform. Keys that the API does not know are refused, where
 * the API itself would only warn and drop them.
 * @param definitions what `#/definitions/NAME` leads to.
 */
export function strictSchema(schema: OpenApi, definitions: Readonly<Record<string, OpenApi>> = {}): OpenApi {
  return convert(schema, definitions, []) as OpenApi;
}

const refPrefix = '#/definitions/';

function convert(
  value: unknown,
  definitions: Readonly<Record<string, OpenApi>>,
  path: readonly string[],
): unknown {
  if (Array.isArray(value)) return value.map((one) => convert(one, definitions, path));
  if (typeof value !== 'object' || value === null) return value;
  const schema = value as OpenApi;
  const reference = schema['$ref'];
  if (typeof reference === 'string') {
    const name = reference.slice(refPrefix.length);
    // A schema that holds itself (JSONSchemaProps) is taken as it comes.
    if (path.includes(name)) return {};
    return special(name) ?? convert(definitions[name] ?? {}, definitions, [...path, name]);
  }
  if (schema['x-kubernetes-int-or-string'] === true) return { type: ['string', 'integer'] };
  const converted = Object.fromEntries(
    Object.entries(schema)
      .filter(([key]) => !key.startsWith('x-kubernetes-') && !documentation.has(key))
      .map(([key, one]) => [
        key,
        key === 'properties' ? properties(one, definitions, path) : convert(one, definitions, path),
      ]),
  );
  const open =
    schema['x-kubernetes-preserve-unknown-fields'] === true || schema['additionalProperties'] !== undefined;
  return schema['properties'] !== undefined && !open
    ? { ...converted, additionalProperties: false }
    : converted;
}

/** What tells people something, and a format whose text kubeconform would check in its own way. */
const documentation = new Set(['description', 'format', 'default', 'example']);

/** Names of properties are no keywords of a schema, also when they are called as one. */
function properties(
  value: unknown,
  definitions: Readonly<Record<string, OpenApi>>,
  path: readonly string[],
): unknown {
  return Object.fromEntries(
    Object.entries(value as OpenApi).map(([name, one]) => [name, convert(one, definitions, path)]),
  );
}

/** Types whose JSON the document does not tell as it is. */
function special(name: string): OpenApi | undefined {
  if (name.endsWith('.intstr.IntOrString')) return { type: ['string', 'integer'] };
  if (name.endsWith('.resource.Quantity')) return { type: ['string', 'number'] };
  return undefined;
}

/** The file that kubeconform asks for with `{{.ResourceKind}}{{.KindSuffix}}.json`. */
export function schemaFile(kind: string, group: string, version: string): string {
  const suffix = group === '' ? version : `${group.split('.')[0]}-${version}`;
  return `${kind}-${suffix}.json`.toLowerCase();
}
