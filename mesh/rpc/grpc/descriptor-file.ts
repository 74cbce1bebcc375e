import { create } from '@bufbuild/protobuf';
import {
  type DescriptorProto,
  DescriptorProtoSchema,
  type FieldDescriptorProto,
  FieldDescriptorProtoSchema,
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  FieldDescriptorProto_Label as Label,
} from '@bufbuild/protobuf/wkt';

/** A part of a file with the sentence that describes it. */
export interface Commented<T> {
  readonly comment: string;
  readonly part: T;
}

/** A method; its messages are named without their package. */
export interface Method {
  readonly name: string;
  readonly input: string;
  readonly output: string;
  readonly clientStreaming?: boolean;
  readonly serverStreaming?: boolean;
}

/** A field; it is not repeated unless its label says so. */
export type Field = Pick<FieldDescriptorProto, 'name' | 'number' | 'type'> &
  Partial<Pick<FieldDescriptorProto, 'label' | 'typeName' | 'oneofIndex'>>;

/** A message with its fields, their JSON names worked out. */
export function message(name: string, fields: readonly Field[]): DescriptorProto {
  return create(DescriptorProtoSchema, {
    name,
    field: fields.map((field) =>
      create(FieldDescriptorProtoSchema, {
        label: Label.OPTIONAL,
        jsonName: field.name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
        ...field,
      }),
    ),
  });
}

/** A file with one service or none; the comments stand in its source info, at the field numbers of FileDescriptorProto. */
export function descriptorFile(
  name: string,
  packageName: string,
  content: {
    readonly messages: readonly Commented<DescriptorProto>[];
    readonly service?: Commented<string>;
    readonly methods?: readonly Commented<Method>[];
  },
): FileDescriptorProto {
  const { messages, service, methods = [] } = content;
  const inMessages = 4;
  const inServices = 6;
  const inMethods = 2;
  const at = (path: number[], comment: string) => ({
    path,
    span: [0, 0, 0],
    leadingComments: ` ${comment}\n`,
  });
  return create(FileDescriptorProtoSchema, {
    name,
    package: packageName,
    syntax: 'proto3',
    messageType: messages.map(({ part }) => part),
    service: (service === undefined ? [] : [service]).map(({ part }) => ({
      name: part,
      method: methods.map(({ part: { input, output, ...method } }) => ({
        ...method,
        inputType: `.${packageName}.${input}`,
        outputType: `.${packageName}.${output}`,
      })),
    })),
    sourceCodeInfo: {
      location: [
        ...messages.map(({ comment }, index) => at([inMessages, index], comment)),
        ...(service === undefined ? [] : [at([inServices, 0], service.comment)]),
        ...methods.map(({ comment }, index) => at([inServices, 0, inMethods, index], comment)),
      ],
    },
  });
}
