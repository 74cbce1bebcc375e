import { create, createFileRegistry, fromBinary, toJson } from '@bufbuild/protobuf';
import {
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FileDescriptorProtoSchema,
} from '@bufbuild/protobuf/wkt';

/** The part of OTLP (opentelemetry/proto/trace/v1/trace.proto) that is looked at here: `name number type`. */
const otlp = {
  Request: ['resource_spans 1 ResourceSpans*'],
  ResourceSpans: ['resource 1 Resource', 'scope_spans 2 ScopeSpans*'],
  Resource: ['attributes 1 KeyValue*'],
  ScopeSpans: ['spans 2 Span*'],
  KeyValue: ['key 1 string', 'value 2 AnyValue'],
  AnyValue: ['string_value 1 string', 'bool_value 2 bool', 'int_value 3 int64', 'double_value 4 double'],
  Event: ['time_unix_nano 1 fixed64', 'name 2 string', 'attributes 3 KeyValue*'],
  Link: ['trace_id 1 bytes', 'span_id 2 bytes'],
  Status: ['message 2 string', 'code 3 int32'],
  Span: [
    'trace_id 1 bytes',
    'span_id 2 bytes',
    'parent_span_id 4 bytes',
    'name 5 string',
    'kind 6 int32',
    'start_time_unix_nano 7 fixed64',
    'end_time_unix_nano 8 fixed64',
    'attributes 9 KeyValue*',
    'events 11 Event*',
    'links 13 Link*',
    'status 15 Status',
  ],
};

const scalars: Readonly<Record<string, FieldDescriptorProto_Type>> = {
  string: FieldDescriptorProto_Type.STRING,
  bytes: FieldDescriptorProto_Type.BYTES,
  bool: FieldDescriptorProto_Type.BOOL,
  int32: FieldDescriptorProto_Type.INT32,
  int64: FieldDescriptorProto_Type.INT64,
  fixed64: FieldDescriptorProto_Type.FIXED64,
  double: FieldDescriptorProto_Type.DOUBLE,
};

const registry = createFileRegistry(
  create(FileDescriptorProtoSchema, {
    name: 'otlp.proto',
    syntax: 'proto3',
    messageType: Object.entries(otlp).map(([name, fields]) => ({
      name,
      field: fields.map((field) => {
        const [fieldName = '', number, type = ''] = field.split(' ');
        const message = type.replace('*', '');
        return {
          name: fieldName,
          jsonName: fieldName.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase()),
          number: Number(number),
          label: type.endsWith('*')
            ? FieldDescriptorProto_Label.REPEATED
            : FieldDescriptorProto_Label.OPTIONAL,
          ...(scalars[message] === undefined
            ? { type: FieldDescriptorProto_Type.MESSAGE, typeName: `.${message}` }
            : { type: scalars[message] }),
        };
      }),
    })),
  }),
  () => undefined,
);

type Json = Record<string, unknown>;

/** A resource of an OTLP request, with its spans. */
export interface OtlpResource {
  readonly attributes: Readonly<Json>;
  readonly spans: readonly OtlpSpan[];
}

/** A span as it went over the wire: ids in hexadecimal, times in nanoseconds since the epoch. */
export type OtlpSpan = Readonly<ReturnType<typeof decodedSpan>>;

/** Reads the body of a request to `/v1/traces` (OTLP over HTTP, protobuf). */
export function otlpResources(body: Uint8Array): OtlpResource[] {
  const schema = registry.getMessage('Request');
  if (schema === undefined) throw new Error('no schema');
  const request = toJson(schema, fromBinary(schema, body), { alwaysEmitImplicit: true }) as unknown as {
    resourceSpans: { resource: { attributes: Json[] }; scopeSpans: { spans: Json[] }[] }[];
  };
  return request.resourceSpans.map(({ resource, scopeSpans }) => ({
    attributes: attributesOf(resource.attributes),
    spans: scopeSpans.flatMap(({ spans }) => spans.map(decodedSpan)),
  }));
}

function decodedSpan(span: Json) {
  return {
    traceId: hex(span['traceId']),
    spanId: hex(span['spanId']),
    parentSpanId: hex(span['parentSpanId']),
    name: span['name'],
    kind: span['kind'],
    start: BigInt(String(span['startTimeUnixNano'])),
    end: BigInt(String(span['endTimeUnixNano'])),
    attributes: attributesOf(span['attributes']),
    events: (span['events'] as Json[]).map((event) => ({
      name: event['name'],
      at: BigInt(String(event['timeUnixNano'])),
      attributes: attributesOf(event['attributes']),
    })),
    links: (span['links'] as Json[]).map((link) => ({
      traceId: hex(link['traceId']),
      spanId: hex(link['spanId']),
    })),
    status: span['status'],
  };
}

function attributesOf(pairs: unknown): Json {
  return Object.fromEntries(
    (pairs as { key: string; value: Json }[]).map(({ key, value }) => {
      // The values are a oneof on the wire; here the one that is not a default is the one that was sent.
      const { stringValue, boolValue, intValue, doubleValue } = value;
      if (stringValue !== '') return [key, stringValue];
      if (boolValue === true) return [key, true];
      return [key, intValue === '0' ? doubleValue : BigInt(String(intValue))];
    }),
  );
}

function hex(base64: unknown): string {
  return Buffer.from(String(base64), 'base64').toString('hex');
}
