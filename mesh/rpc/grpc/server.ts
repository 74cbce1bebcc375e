import { type EventEmitter, setMaxListeners } from 'node:events';
import type { Readable } from 'node:stream';
import {
  type handleUnaryCall,
  logVerbosity,
  Server,
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  setLogVerbosity,
  type UntypedHandleCall,
} from '@grpc/grpc-js';
import type { MethodPolicy } from '../../contract/policy.js';
import { StartupError } from '../../runtime/startup-error.js';
import type { ToldCaller } from '../../security/told-caller.js';
import { cancelled } from '../deadline.js';
import { isStream } from '../stream.js';
import type { Body, Dispatch, WireResponse } from '../wire.js';
import { errorToGrpc } from './grpc-error.js';
import { fromGrpcMetadata, toGrpcMetadata, withoutSpoofable } from './grpc-metadata.js';
import { peerService } from './peer-service.js';
import { type ShownIdentity, serverCredentials } from './tls.js';

/**
 * What a server listens with, and how it knows its callers: see {@link CallersAlike}, {@link CallersCertified} and
 * {@link CallersTold}.
 */
export type GrpcServerOptions = ListenOptions & (CallersAlike | CallersCertified | CallersTold);

interface ListenOptions {
  readonly host: string;
  /** 0 means any free port. */
  readonly port: number;
  /** The setting that chooses the port, for the message when it is taken. */
  readonly portVariable: string;
  /** The methods that are served; each arrives at `dispatch` with its policy. */
  readonly methods: Iterable<MethodPolicy>;
  readonly dispatch: Dispatch;
  /** Largest request in bytes. Default 262144. */
  readonly maxRequestBytes?: number;
}

/** Without TLS: all callers have one name. */
export interface CallersAlike {
  /** `outside` at a front port. */
  readonly caller: string;
  readonly identity?: undefined;
  readonly callerOf?: undefined;
}

/**
 * With mTLS: a caller is the service that its certificate names. A connection without a certificate of the same
 * authority does not come about; calls with one that names no service end with UNAUTHENTICATED.
 */
export interface CallersCertified {
  /** The server's own identity. */
  readonly identity: ShownIdentity;
  readonly caller?: undefined;
  readonly callerOf?: undefined;
}

/** Without TLS of our own: each call's metadata tells who makes it, written by a mesh that has checked it, or by the caller. */
export interface CallersTold {
  readonly callerOf: ToldCaller;
  readonly caller?: undefined;
  readonly identity?: undefined;
}

/** A gRPC server that listens. */
export interface GrpcServer {
  readonly port: number;
  /** Takes no new calls, lets those in flight end for at most `graceMs`, then ends them. */
  drain(graceMs: number): Promise<void>;
}

/**
 * Methods that the server itself answers, such as health and reflection: registered as they are. The third part is called
 * when draining begins, and ends the streams that would hold it up.
 */
export type ExtraService = readonly [...Parameters<Server['addService']>, onDrain?: () => void];

const same = (bytes: Buffer | Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/**
 * Listens for gRPC, with mTLS where there is an identity. All limits are set here; none is left to its default.
 * @throws StartupError when the port is taken.
 */
export async function openGrpcServer(
  options: GrpcServerOptions,
  extra: readonly ExtraService[] = [],
): Promise<GrpcServer> {
  // Its errors come back as errors; on standard error they would be a second line beside ours.
  setLogVerbosity(logVerbosity.NONE);
  const server = new Server({
    'grpc.max_receive_message_length': options.maxRequestBytes ?? 262_144,
    'grpc.max_send_message_length': 4 * 1024 * 1024,
    'grpc.max_concurrent_streams': 100,
    'grpc-node.max_session_memory': 10,
    'grpc.max_connection_idle_ms': 300_000,
    'grpc.max_connection_age_ms': 1_800_000,
    'grpc.max_connection_age_grace_ms': 30_000,
    'grpc.keepalive_time_ms': 60_000,
    'grpc.keepalive_timeout_ms': 20_000,
  });
  for (const [definition, implementation] of extra) server.addService(definition, implementation);
  const stopping = new AbortController();
  // One for each call in flight, taken away at its end: their number is no leak to warn of.
  setMaxListeners(0, stopping.signal);
  for (const methods of byService(options.methods).values()) {
    const definition: Record<string, object> = {};
    const implementation: Record<string, UntypedHandleCall> = {};
    for (const method of methods) {
      definition[method.method] = {
        path: method.path,
        requestStream: method.kind === 'client_streaming' || method.kind === 'bidi_streaming',
        responseStream: method.kind === 'server_streaming' || method.kind === 'bidi_streaming',
        requestSerialize: same,
        requestDeserialize: same,
        responseSerialize: same,
        responseDeserialize: same,
      };
      implementation[method.method] = handlerOf(method, options, stopping.signal);
    }
    server.addService(definition as never, implementation);
  }
  const port = await bind(server, options);
  return {
    port,
    drain: (graceMs) =>
      new Promise((resolve) => {
        for (const [, , onDrain] of extra) onDrain?.();
        // Streams never end by themselves, and tryShutdown waits for them for ever: after the grace they are cut.
        const timer = setTimeout(() => {
          stopping.abort();
          server.forceShutdown();
          resolve();
        }, graceMs);
        server.tryShutdown(() => {
          clearTimeout(timer);
          resolve();
        });
      }),
  };
}

function byService(methods: Iterable<MethodPolicy>): Map<string, MethodPolicy[]> {
  const services = new Map<string, MethodPolicy[]>();
  for (const method of methods)
    services.set(method.service, [...(services.get(method.service) ?? []), method]);
  return services;
}

function toldCaller(call: AnyCall, { callerOf }: GrpcServerOptions): string | undefined {
  return callerOf?.((name) => call.metadata.get(name).filter((value) => typeof value === 'string'));
}

type AnyCall =
  | ServerUnaryCall<Buffer, Buffer>
  | ServerReadableStream<Buffer, Buffer>
  | ServerWritableStream<Buffer, Buffer>
  | ServerDuplexStream<Buffer, Buffer>;

function handlerOf(
  method: MethodPolicy,
  options: GrpcServerOptions,
  stopping: AbortSignal,
): UntypedHandleCall {
  const answer = async (call: AnyCall, body: Body): Promise<WireResponse> => {
    const ending = new AbortController();
    const end = () => ending.abort(cancelled(method.path));
    (call as EventEmitter).on('cancelled', end);
    stopping.addEventListener('abort', end, { once: true });
    const deadline = call.getDeadline();
    try {
      const caller = options.caller ?? toldCaller(call, options) ?? peerService(call);
      const metadata = fromGrpcMetadata(call.metadata);
      return await options.dispatch({
        method,
        body,
        metadata: caller === 'outside' ? withoutSpoofable(metadata) : metadata,
        deadlineMs: deadline instanceof Date ? deadline.getTime() : deadline,
        signal: ending.signal,
        caller,
        peer: call.getPeer(),
      });
    } finally {
      stopping.removeEventListener('abort', end);
    }
  };
  if (method.kind === 'unary' || method.kind === 'client_streaming') {
    const handle: handleUnaryCall<Buffer, Buffer> = (call, callback) => {
      // The last step catches what can't be sent as well, such as a trailer with a line break.
      answer(call, method.kind === 'unary' ? call.request : requestsOf(call))
        .then(({ body, trailers }) => callback(null, same(body as Uint8Array), toGrpcMetadata(trailers)))
        .catch((error: unknown) => callback(errorToGrpc(error)));
    };
    return handle;
  }
  return (call: ServerWritableStream<Buffer, Buffer> | ServerDuplexStream<Buffer, Buffer>) => {
    const body =
      method.kind === 'server_streaming'
        ? (call as ServerWritableStream<Buffer, Buffer>).request
        : requestsOf(call);
    void (async () => {
      try {
        const response = await answer(call, body);
        if (!isStream(response.body)) throw new TypeError(`${method.path} must answer with a stream`);
        for await (const message of response.body) {
          if (call.cancelled) return;
          if (!call.write(same(message))) await writable(call);
        }
        call.end(toGrpcMetadata(response.trailers));
      } catch (error) {
        call.emit('error', errorToGrpc(error));
      }
    })();
  };
}

/** The request stream; a handler that stops to read it must not destroy what it still writes to. */
function requestsOf(call: unknown): AsyncIterable<Buffer> {
  return {
    [Symbol.asyncIterator]: () =>
      (call as Readable).iterator({ destroyOnReturn: false }) as AsyncIterator<Buffer>,
  };
}

function writable(
  call: ServerWritableStream<Buffer, Buffer> | ServerDuplexStream<Buffer, Buffer>,
): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      call.off('drain', done);
      call.off('cancelled', done);
      resolve();
    };
    call.on('drain', done);
    call.on('cancelled', done);
  });
}

function bind(server: Server, options: GrpcServerOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(
      `${options.host}:${options.port}`,
      serverCredentials(options.identity),
      (error, port) => {
        if (error === null) resolve(port);
        else {
          const taken = /EADDRINUSE/.test(error.message);
          reject(
            taken
              ? new StartupError(
                  `port ${options.port} is taken (gRPC)`,
                  `stop what uses it, or choose another with ${options.portVariable}`,
                  { cause: error },
                )
              : new StartupError(
                  `gRPC can't listen on ${options.host}:${options.port} (${error.message})`,
                  `check HOST and ${options.portVariable}`,
                  { cause: error },
                ),
          );
        }
      },
    );
  });
}
