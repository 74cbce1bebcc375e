import { MeshError } from '../contract/error.js';
import { type Policies, priorities } from '../contract/policy.js';
import type { Ambient, Random } from '../runtime/ports.js';
import type { BoundContract } from '../runtime/service.js';
import { parseTraceparent } from '../telemetry/trace-context.js';
import type { CallContext, Metadata } from './context.js';
import { deadlineSignal, orAborted, servedDeadline } from './deadline.js';
import type { MethodDefinition } from './definition.js';
import { composeServer, type Next, type Placed, type ServerPlace } from './interceptor.js';
import { isStream, mapStream, onEnd, untilAborted } from './stream.js';
import type { Arrival, Body, Dispatch, WireResponse } from './wire.js';

/** What answers calls is made of. */
export interface DispatchOptions {
  readonly contracts: readonly BoundContract[];
  readonly policies: Policies;
  readonly ambient: Ambient;
  readonly interceptors?: Placed<ServerPlace>;
}

type Handler = (request: unknown, context: CallContext) => Promise<unknown> | AsyncIterable<unknown>;

/**
 * The receiving end for a set of handlers: builds the call's context, runs the server interceptors and the handler, and
 * answers at the deadline even if the handler does not. What fails leaves as a MeshError.
 */
export function createDispatch(options: DispatchOptions): Dispatch {
  const { ambient, policies } = options;
  const answerers = new Map<string, (context: CallContext, body: Body) => Promise<Body>>();
  for (const { definition, handlers } of options.contracts) {
    for (const [name, method] of Object.entries(definition.methods)) {
      const path = `/${definition.fullName}/${method.name}`;
      const policy = policies.get(path);
      const handler = handlers[name];
      if (policy === undefined || typeof handler !== 'function')
        throw new Error(`${path} has no policy or no handler`);
      const next = composeServer(options.interceptors ?? {}, innermost(method, handler as Handler));
      answerers.set(path, (context, body) => next({ method: policy, body, context }));
    }
  }
  return async (arrival) => {
    const answerer = answerers.get(arrival.method.path);
    if (answerer === undefined) throw unimplemented(arrival.method.path);
    const trailers: Record<string, string> = {};
    const deadlineMs = servedDeadline(ambient.clock.nowMs(), arrival.deadlineMs, arrival.method);
    const ending = deadlineSignal(ambient, arrival.signal, deadlineMs, arrival.method.path);
    const context = contextOf(arrival, deadlineMs, ending.signal, trailers, ambient);
    try {
      const body = await orAborted(answerer(context, arrival.body), ending.signal);
      return { body: endingWith(body, ending.signal, ending.dispose), trailers } satisfies WireResponse;
    } catch (error) {
      ending.dispose();
      throw MeshError.from(error);
    }
  };
}

function endingWith(body: Body, signal: AbortSignal, dispose: () => void): Body {
  if (isStream(body)) return onEnd(untilAborted(body, signal), dispose);
  dispose();
  return body;
}

/**
 * Decodes, calls the handler, encodes: the only place on the server that knows message types. A handler that hangs is
 * given up here, so that the interceptors see how the call ended.
 */
function innermost(method: MethodDefinition, handler: Handler): Next {
  const encode = (message: unknown) => method.responseType.encode(message).finish();
  const decode = (bytes: Uint8Array): unknown => {
    try {
      return method.requestType.decode(bytes);
    } catch (cause) {
      throw new MeshError({
        code: 'INVALID_ARGUMENT',
        reason: 'MALFORMED_REQUEST',
        message: `the request is not an encoded message of ${method.name}`,
        cause,
      });
    }
  };
  return async ({ body, context }) => {
    const { signal } = context;
    signal.throwIfAborted();
    const request = isStream(body) ? mapStream(body, decode) : decode(body);
    const answer = handler(request, context);
    if (method.responseStream)
      return mapStream(untilAborted(answer as AsyncIterable<unknown>, signal), encode);
    return encode(await orAborted(answer as Promise<unknown>, signal));
  };
}

function contextOf(
  arrival: Arrival,
  deadlineMs: number,
  signal: AbortSignal,
  trailers: Record<string, string>,
  ambient: Ambient,
): CallContext {
  const {
    traceparent,
    'x-priority': sent,
    ...metadata
  } = arrival.metadata as Metadata & { traceparent?: string };
  return {
    deadlineMs,
    signal,
    caller: arrival.caller,
    user: undefined,
    userToken: undefined,
    trace: parseTraceparent(traceparent) ?? newTrace(ambient.random),
    priority: priorities.find((priority) => priority === sent) ?? arrival.method.priority,
    metadata,
    command: undefined,
    peer: arrival.peer,
    setTrailer: (name, value) => {
      trailers[name] = value;
    },
  };
}

/** A place above the first span of a new trace. */
export function newTrace(random: Random): CallContext['trace'] {
  const hex = (length: number) => Buffer.from(random.bytes(length)).toString('hex');
  return { traceId: hex(16), spanId: hex(8), sampled: true };
}

export function unimplemented(path: string): MeshError {
  return new MeshError({
    code: 'UNIMPLEMENTED',
    reason: 'UNIMPLEMENTED',
    message: `no service here implements ${path}`,
  });
}
