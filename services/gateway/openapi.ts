import type { DescEnum, DescField, DescMessage } from '@bufbuild/protobuf';
import { ScalarType } from '@bufbuild/protobuf';
import type { Contract } from '../../mesh/contract/image.js';
import type { HttpBinding, MethodPolicy, Policies } from '../../mesh/contract/policy.js';
import { commentsOf } from './comments.js';
import { fieldRules } from './field-rules.js';

type Json = Record<string, unknown>;

/** What the description is made from. */
export interface OpenApiOptions {
  readonly contract: Contract;
  readonly policies: Policies;
  readonly version: string;
}

/** What the parts of the description share. */
interface Book {
  readonly contract: Contract;
  readonly comments: ReadonlyMap<string, string>;
  /** Schemas by message name, filled as they are referred to. */
  readonly schemas: Map<string, Json>;
}

/** The OpenAPI 3.1 description of the REST interface, made from descriptors, comments, rules and policies. */
export function openApi(options: OpenApiOptions): Json {
  const { contract, policies, version } = options;
  const book: Book = { contract, comments: commentsOf(contract), schemas: new Map() };
  const paths: Record<string, Json> = {};
  for (const method of policies.values()) {
    if (method.exposure === 'internal') continue;
    for (const binding of method.http) {
      const path = binding.template.replace(
        /\{([^}]*)\}/g,
        (_, field: string) => `{${jsonNameOf(contract, method.input, field)}}`,
      );
      paths[path] = { ...paths[path], [binding.verb.toLowerCase()]: operationOf(book, method, binding) };
    }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Meshmart',
      version,
      description: 'A shop you can take apart. Made from the protobuf contracts.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    tags: [...new Set([...policies.values()].filter(({ http }) => http.length > 0).map(tagOf))]
      .sort()
      .map((name) => ({ name })),
    paths,
    components: {
      schemas: { ...Object.fromEntries(book.schemas), Problem: problemSchema },
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
        guest: { type: 'apiKey', in: 'header', name: 'x-guest-token' },
      },
    },
  };
}

const problemSchema: Json = {
  type: 'object',
  required: ['type', 'title', 'status', 'detail', 'reason', 'traceId'],
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string', description: 'For people; may change.' },
    reason: { type: 'string', description: 'Stable; a member of meshmart.error.v1.Reason.' },
    instance: { type: 'string' },
    traceId: { type: 'string' },
    violations: {
      type: 'array',
      items: {
        type: 'object',
        properties: { field: { type: 'string' }, rule: { type: 'string' }, message: { type: 'string' } },
      },
    },
    metadata: { type: 'object', additionalProperties: { type: 'string' } },
  },
};

function tagOf(method: MethodPolicy): string {
  return method.service.split('.')[1] ?? method.service;
}

function operationOf(book: Book, method: MethodPolicy, binding: HttpBinding): Json {
  const input = message(book.contract, method.input);
  const inPath = [...binding.template.matchAll(/\{([^}]*)\}/g)].map(([, field]) => field ?? '');
  const description = book.comments.get(`${method.service}.${method.method}`) ?? '';
  const rest = input.fields.filter((field) => !inPath.includes(field.name));
  const parameters = [
    ...input.fields
      .filter((field) => inPath.includes(field.name))
      .map((field) => parameterOf(field, 'path', book)),
    ...(binding.body === ''
      ? rest
          .filter((field) => field.fieldKind !== 'message')
          .map((field) => parameterOf(field, 'query', book))
      : []),
    ...(method.idempotencyKey === 'none'
      ? []
      : [
          {
            name: 'Idempotency-Key',
            in: 'header',
            required: method.idempotencyKey === 'required',
            schema: { type: 'string', minLength: 1, maxLength: 200 },
            description:
              'New for each command; a repeated call with the same key has one effect and gets the first answer.',
          },
        ]),
  ];
  const output = message(book.contract, method.output);
  const raw =
    output.fields.some((field) => field.jsonName === 'contentType') &&
    output.fields.some((field) => field.jsonName === 'data');
  const content =
    method.kind === 'server_streaming' ? 'text/event-stream' : raw ? 'image/svg+xml' : 'application/json';
  return {
    operationId: `${tagOf(method)}_${method.method}`,
    tags: [tagOf(method)],
    summary: description.split(/(?<=[.;:])\s|\n/)[0] ?? method.method,
    description,
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(binding.body === ''
      ? {}
      : {
          requestBody: {
            required: true,
            content: { 'application/json': { schema: bodySchema(input, inPath, book) } },
          },
        }),
    security:
      method.exposure === 'public'
        ? [{}]
        : [{ bearer: [] }, ...(method.scope === 'cart' ? [{ guest: [] }, {}] : [])],
    responses: {
      [String(method.httpStatus)]: {
        description: 'Done.',
        content: { [content]: { schema: raw ? { type: 'string' } : reference(output, book) } },
      },
      ...(method.path.endsWith('/PlaceOrder')
        ? {
            202: {
              description: 'Accepted, and not decided within two seconds.',
              content: { 'application/json': { schema: reference(output, book) } },
            },
          }
        : {}),
      default: {
        description: 'Refused or failed; `reason` tells why.',
        content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
      },
    },
  };
}

function bodySchema(input: DescMessage, inPath: readonly string[], book: Book): Json {
  if (inPath.length === 0) return reference(input, book);
  return objectSchema(
    input,
    input.fields.filter((field) => !inPath.includes(field.name)),
    book,
  );
}

function parameterOf(field: DescField, place: 'path' | 'query', book: Book): Json {
  return {
    name: field.jsonName,
    in: place,
    required: place === 'path',
    schema: fieldSchema(field, book),
    description: book.comments.get(`${field.parent.typeName}.${field.name}`) ?? '',
  };
}

function reference(type: DescMessage, book: Book): Json {
  if (type.typeName === 'google.protobuf.Timestamp') return { type: 'string', format: 'date-time' };
  if (type.typeName === 'google.protobuf.Duration')
    return { type: 'string', pattern: '^-?[0-9]+(\\.[0-9]+)?s$' };
  const name = type.name;
  if (!book.schemas.has(name)) {
    book.schemas.set(name, {});
    book.schemas.set(name, objectSchema(type, type.fields, book));
  }
  return { $ref: `#/components/schemas/${name}` };
}

function objectSchema(type: DescMessage, fields: readonly DescField[], book: Book): Json {
  return {
    type: 'object',
    description: book.comments.get(type.typeName) ?? '',
    properties: Object.fromEntries(
      fields.map((field) => {
        const description = book.comments.get(`${type.typeName}.${field.name}`) ?? '';
        return [field.jsonName, { ...fieldSchema(field, book), description }];
      }),
    ),
    additionalProperties: false,
  };
}

function fieldSchema(field: DescField, book: Book): Json {
  const rules = fieldRules(book.contract, field);
  switch (field.fieldKind) {
    case 'message':
      return reference(field.message, book);
    case 'enum':
      return enumSchema(field.enum);
    case 'list':
      return {
        type: 'array',
        items:
          field.listKind === 'message'
            ? reference(field.message, book)
            : field.listKind === 'enum'
              ? enumSchema(field.enum)
              : scalarSchema(field.scalar),
        ...rules,
      };
    case 'scalar':
      return { ...scalarSchema(field.scalar), ...rules };
    case 'map':
      return { type: 'object' };
    default:
      return field satisfies never;
  }
}

function enumSchema(type: DescEnum): Json {
  return { type: 'string', enum: type.values.map((value) => value.name) };
}

function scalarSchema(scalar: ScalarType): Json {
  switch (scalar) {
    case ScalarType.BOOL:
      return { type: 'boolean' };
    case ScalarType.BYTES:
      return { type: 'string', contentEncoding: 'base64' };
    case ScalarType.STRING:
      return { type: 'string' };
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return { type: 'number' };
    case ScalarType.INT32:
    case ScalarType.SINT32:
    case ScalarType.SFIXED32:
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return { type: 'integer', format: 'int32' };
    default:
      return { type: 'string', format: 'int64', pattern: '^-?[0-9]+$' };
  }
}

function message(contract: Contract, typeName: string): DescMessage {
  const type = contract.registry.getMessage(typeName);
  if (type === undefined) throw new Error(`the contracts have no message ${typeName}`);
  return type;
}

function jsonNameOf(contract: Contract, typeName: string, field: string): string {
  return message(contract, typeName).fields.find((candidate) => candidate.name === field)?.jsonName ?? field;
}
