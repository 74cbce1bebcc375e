import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type ChannelCredentials,
  credentials,
  type GrpcObject,
  loadPackageDefinition,
  Metadata,
  type ServiceClientConstructor,
  type ServiceError,
} from '@grpc/grpc-js';
import {
  type AnyDefinition,
  loadFileDescriptorSetFromBuffer,
  type ServiceDefinition,
} from '@grpc/proto-loader';
import { packageRoot } from '../runtime/package-root.js';

/** A method as proto-loader knows it. */
export interface DynamicMethod {
  /** `package.Service/Method` */
  readonly path: string;
  readonly responseStream: boolean;
  readonly requestStream: boolean;
}

/**
 * A client of any method of the contracts without generated code: what a foreign program has that knows only the
 * descriptors. proto-loader builds it from the same image that the services are checked against.
 */
export interface DynamicClient {
  readonly methods: readonly DynamicMethod[];
  /** Calls a method; one item for a unary answer. Ends with the grpc-js error. */
  call(
    path: string,
    request: object,
    metadata: Readonly<Record<string, string>>,
    deadlineMs: number,
  ): AsyncIterable<unknown>;
  /** An encoded request in the form that `call` takes. */
  readRequest(path: string, bytes: Uint8Array): object;
  /** An answer of `call`, encoded. */
  writeAnswer(path: string, answer: unknown): Uint8Array;
  close(): void;
}

/**
 * Opens a dynamic client. What does not fit a message it leaves out without a word, as proto-loader does.
 * @param address `host:port`, without TLS.
 * @param image the descriptor image of the contracts.
 */
export function openDynamicClient(
  address: string,
  image: Buffer = contractImage(),
  channel: ChannelCredentials = credentials.createInsecure(),
): DynamicClient {
  const definitions = loadFileDescriptorSetFromBuffer(image, {
    longs: String,
    enums: String,
    defaults: true,
    oneofs: true,
  });
  const services = Object.entries(definitions).filter(isService);
  const objects = loadPackageDefinition(definitions);
  const clients = new Map<string, InstanceType<ServiceClientConstructor>>();
  const definitionOf = (path: string) => {
    const [service, method = ''] = path.split('/');
    const definition = services.find(([name]) => name === service)?.[1][method];
    if (definition === undefined) throw new RangeError(`no method ${path}`);
    return definition;
  };
  return {
    methods: services.flatMap(([service, methods]) =>
      Object.values(methods).map((method) => ({
        path: method.path.slice(1),
        responseStream: method.responseStream,
        requestStream: method.requestStream,
        service,
      })),
    ),
    call: (path, request, metadata, deadlineMs) => {
      const definition = definitionOf(path);
      const [service = ''] = path.split('/');
      const client = clients.get(service) ?? new (constructorOf(objects, service))(address, channel);
      clients.set(service, client);
      const headers = new Metadata();
      for (const [name, value] of Object.entries(metadata)) headers.set(name, value);
      const options = { deadline: Date.now() + deadlineMs };
      if (definition.responseStream) {
        return client.makeServerStreamRequest(
          definition.path,
          definition.requestSerialize,
          definition.responseDeserialize,
          request,
          headers,
          options,
        );
      }
      return once(
        new Promise((resolve, reject) => {
          client.makeUnaryRequest(
            definition.path,
            definition.requestSerialize,
            definition.responseDeserialize,
            request,
            headers,
            options,
            (error: ServiceError | null, response: unknown) =>
              error === null ? resolve(response) : reject(error),
          );
        }),
      );
    },
    readRequest: (path, bytes) => definitionOf(path).requestDeserialize(Buffer.from(bytes)),
    writeAnswer: (path, answer) => definitionOf(path).responseSerialize(answer as object),
    close: () => {
      for (const client of clients.values()) client.close();
    },
  };
}

/** The descriptor image that comes with the package. */
export function contractImage(): Buffer {
  return readFileSync(join(packageRoot(), 'proto', 'image.binpb'));
}

function isService(entry: [string, AnyDefinition]): entry is [string, ServiceDefinition] {
  return !('format' in entry[1]);
}

function constructorOf(objects: GrpcObject, service: string): ServiceClientConstructor {
  let node: GrpcObject[string] = objects;
  for (const part of service.split('.')) node = (node as GrpcObject)[part] as GrpcObject[string];
  return node as ServiceClientConstructor;
}

async function* once(answer: Promise<unknown>): AsyncIterable<unknown> {
  yield await answer;
}
