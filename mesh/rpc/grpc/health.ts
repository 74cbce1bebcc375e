import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import type { ServerUnaryCall, ServerWritableStream, sendUnaryData } from '@grpc/grpc-js';
import type { ExtraService } from './server.js';

/** How services are, by the name that health checks use: a proto service's full name, or empty for all together. */
export interface HealthSource {
  /** undefined for a name that is not served here. */
  serving(service: string): boolean | undefined;
  /** All names that are served, the empty one included. */
  names(): readonly string[];
  /** Calls back after each change; returns the function that ends it. */
  onChange(listener: () => void): () => void;
  /** Looks anew, awaited before a single answer; without it `serving` is always up to date. */
  refresh?(): Promise<unknown>;
}

interface HealthCheckRequest {
  readonly service: string;
}

/** grpc.health.v1.HealthCheckResponse.ServingStatus */
const status = { serving: 1, notServing: 2, serviceUnknown: 3 } as const;
const notFound = 5;

/**
 * grpc.health.v1.Health with Check, Watch and List (https://github.com/grpc/grpc/blob/master/doc/health-checking.md).
 * The three messages are written by hand: one text, one number, one map. When its server begins to drain, each watcher is
 * told NOT_SERVING and its stream ends, so that nobody who watches holds up the drain.
 */
export function healthService(source: HealthSource): ExtraService {
  const statusOf = (name: string) => {
    const serving = source.serving(name);
    return serving === undefined ? undefined : serving ? status.serving : status.notServing;
  };
  /** When looking fails, what was seen last still stands. */
  const fresh = async () => {
    await source.refresh?.().catch(() => undefined);
  };
  /** The watches that are open; each value ends its own. */
  const watches = new Set<() => void>();
  let draining = false;
  const method = (name: string, responseStream: boolean) => ({
    path: `/grpc.health.v1.Health/${name}`,
    requestStream: false,
    responseStream,
    requestSerialize: (bytes: Buffer) => bytes,
    requestDeserialize: readRequest,
    responseSerialize: (bytes: Buffer) => bytes,
    responseDeserialize: (bytes: Buffer) => bytes,
  });
  const implementation = {
    Check: (call: ServerUnaryCall<HealthCheckRequest, Buffer>, callback: sendUnaryData<Buffer>) => {
      const { service } = call.request;
      void fresh().then(() => {
        const now = statusOf(service);
        if (now === undefined) callback({ code: notFound, details: `there is no service '${service}' here` });
        else callback(null, writeStatus(now));
      });
    },
    List: (_call: unknown, callback: sendUnaryData<Buffer>) => {
      void fresh().then(() => {
        callback(
          null,
          writeList(source.names().map((name) => [name, statusOf(name) ?? status.serviceUnknown])),
        );
      });
    },
    Watch: (call: ServerWritableStream<HealthCheckRequest, Buffer>) => {
      let last: number | undefined;
      const write = (now: number) => {
        if (now !== last) call.write(writeStatus(now));
        last = now;
      };
      const tell = () => write(statusOf(call.request.service) ?? status.serviceUnknown);
      const stopListening = source.onChange(tell);
      const stop = () => {
        stopListening();
        watches.delete(end);
      };
      const end = () => {
        stop();
        write(status.notServing);
        call.end();
      };
      watches.add(end);
      call.on('cancelled', stop);
      call.on('close', stop);
      // One that arrived on its way out: the server had begun to drain.
      if (draining) end();
      else tell();
    },
  };
  return [
    { Check: method('Check', false), List: method('List', false), Watch: method('Watch', true) },
    implementation as never,
    () => {
      draining = true;
      for (const end of [...watches]) end();
    },
  ];
}

/** An object, because grpc-js takes a message that is falsy, such as the empty name, for none. */
function readRequest(bytes: Buffer): HealthCheckRequest {
  const reader = new BinaryReader(bytes);
  let service = '';
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field === 1 && type === WireType.LengthDelimited) service = reader.string();
    else reader.skip(type, field);
  }
  return { service };
}

function writeStatus(value: number): Buffer {
  return Buffer.from(new BinaryWriter().tag(1, WireType.Varint).int32(value).finish());
}

function writeList(statuses: readonly (readonly [string, number])[]): Buffer {
  const writer = new BinaryWriter();
  for (const [name, value] of statuses) {
    writer.tag(1, WireType.LengthDelimited).fork();
    writer.tag(1, WireType.LengthDelimited).string(name);
    writer.tag(2, WireType.LengthDelimited).bytes(writeStatus(value)).join();
  }
  return Buffer.from(writer.finish());
}
