import { toBinary } from '@bufbuild/protobuf';
import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import {
  type DescriptorProto,
  type EnumDescriptorProto,
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
} from '@bufbuild/protobuf/wkt';
import type { ServerDuplexStream } from '@grpc/grpc-js';
import type { Contract } from '../../contract/image.js';
import type { ExtraService } from './server.js';
import { standardDescriptors } from './standard-descriptors.js';

const invalidArgument = 3;
const notFound = 5;

/**
 * Server reflection, v1 and v1alpha (https://github.com/grpc/grpc/blob/master/doc/server-reflection.md): the same messages
 * under two names. The files are served as the image holds them, so that grpcurl shows comments and options; the
 * reflection package for grpc-js loses both. The services that the runtime itself answers are described as well.
 * @param services full names of the services to list.
 */
export function reflectionServices(contract: Contract, services: readonly string[]): ExtraService[] {
  const index = indexOf([...standardDescriptors(), ...contract.files.file]);
  return ['grpc.reflection.v1', 'grpc.reflection.v1alpha'].map((version): ExtraService => {
    const definition = {
      ServerReflectionInfo: {
        path: `/${version}.ServerReflection/ServerReflectionInfo`,
        requestStream: true,
        responseStream: true,
        requestSerialize: (bytes: Buffer) => bytes,
        requestDeserialize: (bytes: Buffer) => bytes,
        responseSerialize: (bytes: Buffer) => bytes,
        responseDeserialize: (bytes: Buffer) => bytes,
      },
    };
    const implementation = {
      ServerReflectionInfo: (call: ServerDuplexStream<Buffer, Buffer>) => {
        call.on('data', (request: Buffer) => {
          try {
            call.write(Buffer.from(answer(request, index, services)));
          } catch {
            // Without a status the client would wait for its deadline.
            call.emit('error', {
              code: invalidArgument,
              details: 'the request is not a ServerReflectionRequest',
            });
          }
        });
        call.on('end', () => call.end());
      },
    };
    return [definition as never, implementation as never];
  });
}

/** Where each file, symbol and extension is. */
interface Index {
  readonly files: ReadonlyMap<string, FileDescriptorProto>;
  readonly bySymbol: ReadonlyMap<string, FileDescriptorProto>;
  /** Extended type, then number. */
  readonly byExtension: ReadonlyMap<string, ReadonlyMap<number, FileDescriptorProto>>;
}

function indexOf(all: readonly FileDescriptorProto[]): Index {
  const files = new Map(all.map((file) => [file.name, file]));
  const bySymbol = new Map<string, FileDescriptorProto>();
  const byExtension = new Map<string, Map<number, FileDescriptorProto>>();
  for (const file of all) {
    const add = (...names: string[]) => bySymbol.set(names.filter((name) => name !== '').join('.'), file);
    const addEnum = (scope: string, type: EnumDescriptorProto) => {
      add(scope, type.name);
      // The values of an enum are symbols of the scope around it.
      for (const value of type.value) add(scope, value.name);
    };
    const addMessage = (scope: string, type: DescriptorProto) => {
      add(scope, type.name);
      const inner = [scope, type.name].filter((name) => name !== '').join('.');
      for (const field of type.field) add(inner, field.name);
      for (const nested of type.nestedType) addMessage(inner, nested);
      for (const nested of type.enumType) addEnum(inner, nested);
    };
    for (const type of file.messageType) addMessage(file.package, type);
    for (const type of file.enumType) addEnum(file.package, type);
    for (const service of file.service) {
      add(file.package, service.name);
      for (const method of service.method) add(file.package, service.name, method.name);
    }
    for (const extension of file.extension) {
      add(file.package, extension.name);
      const extended = extension.extendee.replace(/^\./, '');
      const numbers = byExtension.get(extended) ?? new Map<number, FileDescriptorProto>();
      byExtension.set(extended, numbers.set(extension.number, file));
    }
  }
  return { files, bySymbol, byExtension };
}

/** Answers one ServerReflectionRequest: field 3 file, 4 symbol, 5 extension, 6 extension numbers, 7 list. */
function answer(request: Buffer, index: Index, services: readonly string[]): Uint8Array {
  const reader = new BinaryReader(request);
  const response = new BinaryWriter();
  let host = '';
  let write: (() => void) | undefined;
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (type !== WireType.LengthDelimited) reader.skip(type, field);
    else if (field === 1) host = reader.string();
    else if (field === 3) {
      const name = reader.string();
      write = () => writeFiles(response, index, index.files.get(name), `file ${name}`);
    } else if (field === 4) {
      const symbol = reader.string();
      write = () => writeFiles(response, index, index.bySymbol.get(symbol), `symbol ${symbol}`);
    } else if (field === 5) {
      const { type: extended, number } = readExtension(reader.bytes());
      write = () =>
        writeFiles(
          response,
          index,
          index.byExtension.get(extended)?.get(number),
          `extension ${number} of ${extended}`,
        );
    } else if (field === 6) {
      const extended = reader.string();
      write = () => writeNumbers(response, extended, index);
    } else if (field === 7) {
      reader.string();
      write = () => writeList(response, services);
    } else reader.skip(type, field);
  }
  response.tag(1, WireType.LengthDelimited).string(host);
  response.tag(2, WireType.LengthDelimited).bytes(request);
  if (write === undefined) writeError(response, 'a request that names nothing');
  else write();
  return response.finish();
}

function readExtension(bytes: Uint8Array): { type: string; number: number } {
  const reader = new BinaryReader(bytes);
  const extension = { type: '', number: 0 };
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field === 1 && type === WireType.LengthDelimited) extension.type = reader.string();
    else if (field === 2 && type === WireType.Varint) extension.number = reader.int32();
    else reader.skip(type, field);
  }
  return extension;
}

/** FileDescriptorResponse (field 4): the file and all that it imports, so that a client need not ask again. */
function writeFiles(
  response: BinaryWriter,
  index: Index,
  file: FileDescriptorProto | undefined,
  what: string,
): void {
  if (file === undefined) {
    writeError(response, what);
    return;
  }
  const wanted = new Map<string, FileDescriptorProto>();
  const collect = (name: string) => {
    const found = index.files.get(name);
    if (found === undefined || wanted.has(name)) return;
    wanted.set(name, found);
    found.dependency.forEach(collect);
  };
  collect(file.name);
  response.tag(4, WireType.LengthDelimited).fork();
  for (const each of wanted.values())
    response.tag(1, WireType.LengthDelimited).bytes(toBinary(FileDescriptorProtoSchema, each));
  response.join();
}

/** ExtensionNumberResponse (field 5). */
function writeNumbers(response: BinaryWriter, extended: string, index: Index): void {
  const numbers = index.byExtension.get(extended);
  if (numbers === undefined && !index.bySymbol.has(extended)) {
    writeError(response, `type ${extended}`);
    return;
  }
  response.tag(5, WireType.LengthDelimited).fork();
  response.tag(1, WireType.LengthDelimited).string(extended);
  for (const number of numbers?.keys() ?? []) response.tag(2, WireType.Varint).int32(number);
  response.join();
}

/** ListServiceResponse (field 6). */
function writeList(response: BinaryWriter, services: readonly string[]): void {
  response.tag(6, WireType.LengthDelimited).fork();
  for (const service of services) {
    response.tag(1, WireType.LengthDelimited).fork().tag(1, WireType.LengthDelimited).string(service).join();
  }
  response.join();
}

/** ErrorResponse (field 7). */
function writeError(response: BinaryWriter, what: string): void {
  response.tag(7, WireType.LengthDelimited).fork();
  response
    .tag(1, WireType.Varint)
    .int32(notFound)
    .tag(2, WireType.LengthDelimited)
    .string(`there is no ${what} here`);
  response.join();
}
