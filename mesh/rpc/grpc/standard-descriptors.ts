import { create } from '@bufbuild/protobuf';
import {
  EnumDescriptorProtoSchema,
  type FileDescriptorProto,
  FieldDescriptorProto_Label as Label,
  MessageOptionsSchema,
  OneofDescriptorProtoSchema,
  FieldDescriptorProto_Type as Type,
} from '@bufbuild/protobuf/wkt';
import { descriptorFile, type Field, message } from './descriptor-file.js';

/**
 * Descriptors of the services that every server of the mesh answers beside its own: health and reflection
 * (https://github.com/grpc/grpc-proto), and of the details of its errors (https://github.com/googleapis/googleapis). The
 * image of the contracts does not have them, because nothing of ours imports them; with them a client that knows
 * reflection alone can call the health service, and read the reason of an error.
 */
export function standardDescriptors(): FileDescriptorProto[] {
  return [
    healthFile(),
    reflectionFile('grpc.reflection.v1'),
    reflectionFile('grpc.reflection.v1alpha'),
    errorDetailsFile(),
  ];
}

function healthFile(): FileDescriptorProto {
  const inPackage = '.grpc.health.v1';
  const response = message('HealthCheckResponse', [
    {
      name: 'status',
      number: 1,
      type: Type.ENUM,
      typeName: `${inPackage}.HealthCheckResponse.ServingStatus`,
    },
  ]);
  response.enumType = [
    create(EnumDescriptorProtoSchema, {
      name: 'ServingStatus',
      value: ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'].map((name, number) => ({
        name,
        number,
      })),
    }),
  ];
  const list = message('HealthListResponse', [
    {
      name: 'statuses',
      number: 1,
      label: Label.REPEATED,
      type: Type.MESSAGE,
      typeName: `${inPackage}.HealthListResponse.StatusesEntry`,
    },
  ]);
  // A map is a list of entries with a key and a value.
  const entry = message('StatusesEntry', [
    { name: 'key', number: 1, type: Type.STRING },
    { name: 'value', number: 2, type: Type.MESSAGE, typeName: `${inPackage}.HealthCheckResponse` },
  ]);
  entry.options = create(MessageOptionsSchema, { mapEntry: true });
  list.nestedType = [entry];
  return descriptorFile('grpc/health/v1/health.proto', 'grpc.health.v1', {
    messages: [
      {
        comment: 'Names what is asked about.',
        part: message('HealthCheckRequest', [{ name: 'service', number: 1, type: Type.STRING }]),
      },
      { comment: 'How a service is. SERVICE_UNKNOWN is used by Watch only.', part: response },
      { comment: 'Asks for all services.', part: message('HealthListRequest', []) },
      {
        comment: 'How each service is, by its full name; the empty name is all of them together.',
        part: list,
      },
    ],
    service: { comment: 'Whether services can do their work.', part: 'Health' },
    methods: [
      {
        comment:
          'How a service is now; the empty name asks for all of them together. NOT_FOUND: it is not served here.',
        part: { name: 'Check', input: 'HealthCheckRequest', output: 'HealthCheckResponse' },
      },
      {
        comment: 'How every service is now.',
        part: { name: 'List', input: 'HealthListRequest', output: 'HealthListResponse' },
      },
      {
        comment: 'How a service is now, and again after each change, until the server stops.',
        part: {
          name: 'Watch',
          input: 'HealthCheckRequest',
          output: 'HealthCheckResponse',
          serverStreaming: true,
        },
      },
    ],
  });
}

/** The two of google/rpc/error_details.proto that errors of the mesh carry; see mesh/contract/status.ts. */
function errorDetailsFile(): FileDescriptorProto {
  const text = (name: string, number: number): Field => ({ name, number, type: Type.STRING });
  const list = (name: string, number: number, typeName: string): Field => ({
    name,
    number,
    label: Label.REPEATED,
    type: Type.MESSAGE,
    typeName: `.google.rpc.${typeName}`,
  });
  const info = message('ErrorInfo', [
    text('reason', 1),
    text('domain', 2),
    list('metadata', 3, 'ErrorInfo.MetadataEntry'),
  ]);
  const entry = message('MetadataEntry', [text('key', 1), text('value', 2)]);
  entry.options = create(MessageOptionsSchema, { mapEntry: true });
  info.nestedType = [entry];
  const badRequest = message('BadRequest', [list('field_violations', 1, 'BadRequest.FieldViolation')]);
  badRequest.nestedType = [
    message('FieldViolation', [text('field', 1), text('description', 2), text('reason', 3)]),
  ];
  return descriptorFile('google/rpc/error_details.proto', 'google.rpc', {
    messages: [
      { comment: 'Why it failed: the reason is stable, and made for programs.', part: info },
      { comment: 'Which fields of the request broke which rule.', part: badRequest },
    ],
  });
}

function reflectionFile(packageName: string): FileDescriptorProto {
  const typed = (name: string, number: number, typeName: string): Field => ({
    name,
    number,
    type: Type.MESSAGE,
    typeName: `.${packageName}.${typeName}`,
  });
  const text = (name: string, number: number): Field => ({ name, number, type: Type.STRING });
  const oneOf = (fields: readonly Field[]) => fields.map((field) => ({ ...field, oneofIndex: 0 }));
  const request = message('ServerReflectionRequest', [
    text('host', 1),
    ...oneOf([
      text('file_by_filename', 3),
      text('file_containing_symbol', 4),
      typed('file_containing_extension', 5, 'ExtensionRequest'),
      text('all_extension_numbers_of_type', 6),
      text('list_services', 7),
    ]),
  ]);
  const response = message('ServerReflectionResponse', [
    text('valid_host', 1),
    typed('original_request', 2, 'ServerReflectionRequest'),
    ...oneOf([
      typed('file_descriptor_response', 4, 'FileDescriptorResponse'),
      typed('all_extension_numbers_response', 5, 'ExtensionNumberResponse'),
      typed('list_services_response', 6, 'ListServiceResponse'),
      typed('error_response', 7, 'ErrorResponse'),
    ]),
  ]);
  request.oneofDecl = [create(OneofDescriptorProtoSchema, { name: 'message_request' })];
  response.oneofDecl = [create(OneofDescriptorProtoSchema, { name: 'message_response' })];
  const repeated = { label: Label.REPEATED };
  return descriptorFile(`${packageName.replaceAll('.', '/')}/reflection.proto`, packageName, {
    messages: [
      { comment: 'One question.', part: request },
      {
        comment: 'Names an extension by what it extends and its number.',
        part: message('ExtensionRequest', [
          text('containing_type', 1),
          { name: 'extension_number', number: 2, type: Type.INT32 },
        ]),
      },
      { comment: 'The answer to one question.', part: response },
      {
        comment: 'Encoded descriptors: the file that was asked for and those that it imports.',
        part: message('FileDescriptorResponse', [
          { name: 'file_descriptor_proto', number: 1, type: Type.BYTES, ...repeated },
        ]),
      },
      {
        comment: 'The numbers of all extensions of a type.',
        part: message('ExtensionNumberResponse', [
          text('base_type_name', 1),
          { name: 'extension_number', number: 2, type: Type.INT32, ...repeated },
        ]),
      },
      {
        comment: 'All services that are served here.',
        part: message('ListServiceResponse', [{ ...typed('service', 1, 'ServiceResponse'), ...repeated }]),
      },
      { comment: 'A service, by its full name.', part: message('ServiceResponse', [text('name', 1)]) },
      {
        comment: 'Why a question has no answer: a status code of gRPC, and words.',
        part: message('ErrorResponse', [
          { name: 'error_code', number: 1, type: Type.INT32 },
          text('error_message', 2),
        ]),
      },
    ],
    service: { comment: 'Gives the descriptors of what is served.', part: 'ServerReflection' },
    methods: [
      {
        comment: 'Answers each question of the stream, in order.',
        part: {
          name: 'ServerReflectionInfo',
          input: 'ServerReflectionRequest',
          output: 'ServerReflectionResponse',
          clientStreaming: true,
          serverStreaming: true,
        },
      },
    ],
  });
}
