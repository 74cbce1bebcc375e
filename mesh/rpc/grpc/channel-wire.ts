import type { EventEmitter } from 'node:events';
import {
  type ChannelOptions,
  Client,
  type ClientReadableStream,
  type ClientUnaryCall,
  type ClientWritableStream,
  status,
} from '@grpc/grpc-js';
import { MeshError } from '../../contract/error.js';
import type { MethodPolicy } from '../../contract/policy.js';
import { mayRepeat } from '../../resilience/repeatable.js';
import type { Metadata } from '../context.js';
import { cancelled } from '../deadline.js';
import { isStream, untilAborted } from '../stream.js';
import type { Body, Wire, WireRequest, WireResponse } from '../wire.js';
import { errorFromGrpc } from './grpc-error.js';
import { fromGrpcMetadata, toGrpcMetadata } from './grpc-metadata.js';
import { type RepeatListener, tellRepeats } from './repeats.js';
import { channelSecurity, type ShownIdentity } from './tls.js';

/**
 * A connection that gives no answers is given up within 8 s, as one that a network swallows. Servers that find pings too
 * frequent say so, and grpc-js asks them less.
 */
const defaultOptions: ChannelOptions = {
  'grpc.keepalive_time_ms': 5_000,
  'grpc.keepalive_timeout_ms': 3_000,
  'grpc.keepalive_permit_without_calls': 1,
  'grpc.max_receive_message_length': 4 * 1024 * 1024,
};

const same = (bytes: Buffer | Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** What a wire over grpc-js may be given besides its target. */
export interface GrpcWireOptions {
  /** Folder name of the service at the target: the authority of its calls. Default: what the target names. */
  readonly callee?: string | undefined;
  /**
   * Shown to the callee, which must show the certificate of {@link callee} in return (mTLS), or calls end with
   * UNAVAILABLE. Without one there is no TLS.
   */
  readonly identity?: ShownIdentity | undefined;
  /** What stands in `:authority`, by which a mesh routes. Default: {@link callee}. */
  readonly authority?: string | undefined;
  /** Sent with each call besides its own, such as the caller's name where nothing proves it. */
  readonly metadata?: Metadata | undefined;
  /** Options of the channel, such as a service config. */
  readonly channel?: ChannelOptions | undefined;
  /** Told of calls that were repeated, or were refused it, for metrics. */
  readonly repeats?: RepeatListener | undefined;
}

/**
 * A hop over a grpc-js channel. Messages pass as bytes. Long-lived: one for each target, closed when the process stops.
 * @param target such as `127.0.0.1:50051` or `consul:///catalog`, whose resolver is registered.
 * @throws TypeError for an identity without a callee.
 */
export function grpcWire(target: string, options: GrpcWireOptions = {}): Wire {
  const { credentials, options: names } = channelSecurity(
    options.identity,
    options.callee,
    options.authority,
  );
  const client = new Client(target, credentials, { ...defaultOptions, ...options.channel, ...names });
  const line: Line = { client, repeats: options.repeats, metadata: options.metadata ?? {} };
  let open = true;
  return {
    call: async (request) => {
      if (!open) throw errorFromGrpc({ code: status.UNAVAILABLE });
      if (request.signal.aborted) throw reasonOf(request);
      return send(line, request);
    },
    close: () => {
      open = false;
      client.close();
    },
  };
}

/** A channel, who hears of repeated calls on it, and what is sent with each. */
interface Line {
  readonly client: Client;
  readonly repeats: RepeatListener | undefined;
  readonly metadata: Metadata;
}

function metadataOf(line: Line, request: WireRequest) {
  return toGrpcMetadata({ ...request.metadata, ...line.metadata });
}

function send(line: Line, request: WireRequest): Promise<WireResponse> {
  const { method, body } = request;
  switch (method.kind) {
    case 'unary':
      return unary(line, request, single(method, body));
    case 'server_streaming':
      return Promise.resolve(serverStream(line, request, single(method, body)));
    case 'client_streaming':
      return clientStream(line, request);
    case 'bidi_streaming':
      return Promise.resolve(bidi(line, request));
    default:
      return method.kind satisfies never;
  }
}

function single(method: MethodPolicy, body: Body): Uint8Array {
  if (isStream(body)) throw new TypeError(`${method.path} takes one message`);
  return body;
}

/**
 * From the first header of an answer on grpc-js keeps to the attempt it has. A callee that is killed just then, or that
 * cuts what it has not finished, would fail calls that may well be repeated: they are, once.
 */
async function unary(line: Line, request: WireRequest, body: Uint8Array): Promise<WireResponse> {
  const first = { brokeOff: false };
  try {
    return await unaryOnce(line, request, body, first);
  } catch (error) {
    if (!first.brokeOff || request.signal.aborted || !mayRepeat(request.method)) throw error;
    line.repeats?.retried(request.method.path, 1);
    return unaryOnce(line, request, body, { brokeOff: false });
  }
}

/** @param seen is told whether the connection broke while the answer was under way. */
function unaryOnce(
  line: Line,
  request: WireRequest,
  body: Uint8Array,
  seen: { brokeOff: boolean },
): Promise<WireResponse> {
  return new Promise((resolve, reject) => {
    let trailers = {};
    let answer: Uint8Array | undefined;
    let begun = false;
    const call = line.client.makeUnaryRequest(
      request.method.path,
      same,
      same,
      Buffer.from(body),
      metadataOf(line, request),
      deadlineOf(request),
      (error, bytes) => {
        stopWatching();
        if (error === null) answer = bytes;
        else {
          // Only the transport fails without our details; its CANCELLED is a peer that broke off.
          const said = error.metadata.get('grpc-status-details-bin').length > 0;
          const gone = error.code === status.CANCELLED || (begun && error.code === status.UNAVAILABLE);
          seen.brokeOff = gone && !said;
          reject(failureOf(request, error));
        }
      },
    );
    if (line.repeats !== undefined) tellRepeats(call, request.method, line.repeats);
    const stopWatching = cancelWith(request, call);
    call.on('metadata', () => {
      begun = true;
    });
    // The status event comes last and carries the trailers.
    call.on('status', ({ metadata }) => {
      trailers = fromGrpcMetadata(metadata);
      if (answer !== undefined) resolve({ body: answer, trailers });
    });
  });
}

function clientStream(line: Line, request: WireRequest): Promise<WireResponse> {
  return new Promise((resolve, reject) => {
    let answer: Uint8Array | undefined;
    const call = line.client.makeClientStreamRequest(
      request.method.path,
      same,
      same,
      metadataOf(line, request),
      deadlineOf(request),
      (error, bytes) => {
        stopWatching();
        if (error === null) answer = bytes;
        else reject(failureOf(request, error));
      },
    );
    const stopWatching = cancelWith(request, call);
    call.on('status', ({ metadata }) => {
      if (answer !== undefined) resolve({ body: answer, trailers: fromGrpcMetadata(metadata) });
    });
    pump(request.body, call);
  });
}

function serverStream(line: Line, request: WireRequest, body: Uint8Array): WireResponse {
  const call = line.client.makeServerStreamRequest(
    request.method.path,
    same,
    same,
    Buffer.from(body),
    metadataOf(line, request),
    deadlineOf(request),
  );
  if (line.repeats !== undefined) tellRepeats(call, request.method, line.repeats);
  return reading(request, call);
}

function bidi(line: Line, request: WireRequest): WireResponse {
  const call = line.client.makeBidiStreamRequest(
    request.method.path,
    same,
    same,
    metadataOf(line, request),
    deadlineOf(request),
  );
  pump(request.body, call);
  return reading(request, call);
}

function reading(request: WireRequest, call: ClientReadableStream<Buffer>): WireResponse {
  const trailers: Record<string, string> = {};
  call.on('status', ({ metadata }) => Object.assign(trailers, fromGrpcMetadata(metadata)));
  // Kept for a reader that comes later: an 'error' that nobody listens to ends the process, and is not told twice.
  let failure: unknown;
  call.on('error', (error) => {
    failure = error;
  });
  const stopWatching = cancelWith(request, call);
  async function* messages(): AsyncGenerator<Uint8Array> {
    try {
      yield* call as AsyncIterable<Buffer>;
      if (failure !== undefined) throw failure;
    } catch (error) {
      throw failureOf(request, error);
    } finally {
      stopWatching();
      call.cancel();
    }
  }
  return { body: messages(), trailers };
}

/** Writes a stream with back-pressure; what it fails with cancels the call. */
function pump(
  body: Body,
  call: Pick<ClientWritableStream<Buffer>, 'write' | 'end' | 'cancel'> & EventEmitter,
): void {
  // An answer may come before the end of the request: then nobody wants the rest.
  const answered = new AbortController();
  call.once('status', () => answered.abort());
  void (async () => {
    try {
      if (!isStream(body)) throw new TypeError('a single message where a stream is wanted');
      for await (const bytes of untilAborted(body, answered.signal)) {
        if (!call.write(Buffer.from(bytes))) await drained(call, answered.signal);
      }
      call.end();
    } catch {
      call.cancel();
    }
  })();
}

function drained(call: EventEmitter, answered: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      call.off('drain', done);
      answered.removeEventListener('abort', done);
      resolve();
    };
    call.on('drain', done);
    answered.addEventListener('abort', done);
    if (answered.aborted) done();
  });
}

function deadlineOf(request: WireRequest): { deadline?: number } {
  return Number.isFinite(request.deadlineMs) ? { deadline: request.deadlineMs } : {};
}

/**
 * Cancels the call when the signal ends; the returned function takes the listener away again. A deadline is told as one:
 * to the balancer below, a callee that is silent and a caller that gave up are not the same.
 */
function cancelWith(request: WireRequest, call: Pick<ClientUnaryCall, 'call' | 'cancel'>): () => void {
  const cancel = () => {
    const late = MeshError.is(request.signal.reason) && request.signal.reason.code === 'DEADLINE_EXCEEDED';
    if (late && call.call !== undefined)
      call.call.cancelWithStatus(status.DEADLINE_EXCEEDED, 'Deadline passed');
    else call.cancel();
  };
  request.signal.addEventListener('abort', cancel, { once: true });
  return () => request.signal.removeEventListener('abort', cancel);
}

/** Our own abort is told with its own reason, not as the CANCELLED that grpc-js makes of it. */
function failureOf(request: WireRequest, error: unknown): Error {
  if (request.signal.aborted) return reasonOf(request);
  return errorFromGrpc(error, isStream(request.body) ? undefined : request.body.length);
}

function reasonOf(request: WireRequest): Error {
  const { reason } = request.signal;
  return reason instanceof Error && reason.name !== 'AbortError' ? reason : cancelled(request.method.path);
}
