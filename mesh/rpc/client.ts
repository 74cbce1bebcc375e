import { MeshError } from '../contract/error.js';
import type { MethodPolicy, Policies } from '../contract/policy.js';
import type { Ambient } from '../runtime/ports.js';
import { formatTraceparent } from '../telemetry/trace-context.js';
import type { CallContext, Metadata } from './context.js';
import { childDeadline, deadlineExceeded, deadlineSignal } from './deadline.js';
import type { CallOptions, Client, MethodDefinition, ServiceDefinition } from './definition.js';
import { type ClientPlace, composeClient, type Next, type Placed } from './interceptor.js';
import { isStream, mapStream, onEnd } from './stream.js';
import type { Body, Wire } from './wire.js';

/** What a client is made of. */
export interface ClientOptions {
  /** The hop to the service. */
  readonly wire: Wire;
  readonly policies: Policies;
  readonly ambient: Ambient;
  /** Name of the calling service. */
  readonly caller: string;
  readonly interceptors?: Placed<ClientPlace>;
}

/**
 * A typed client of a service. Each method takes the context of the call that it serves: the nested call gets the
 * shorter of both deadlines, ends when the parent ends, and carries its user, trace and priority.
 * @throws MeshError from its methods, for every failure.
 */
export function createClient<D extends ServiceDefinition>(definition: D, options: ClientOptions): Client<D> {
  const client: Record<string, unknown> = {};
  for (const [name, method] of Object.entries(definition.methods)) {
    const path = `/${definition.fullName}/${method.name}`;
    const policy = options.policies.get(path);
    if (policy === undefined)
      throw new Error(`the contracts have no method ${path}: generate the code again`);
    client[name] = methodOf(method, policy, options);
  }
  return client as Client<D>;
}

function methodOf(definition: MethodDefinition, policy: MethodPolicy, options: ClientOptions) {
  const next = composeClient(options.interceptors ?? {}, toWire(options.wire));
  return (request: unknown, context: CallContext, call: CallOptions = {}) => {
    const encode = (message: unknown) =>
      definition.requestType.encode(definition.requestType.fromPartial(message as never)).finish();
    const decode = (bytes: Uint8Array) => definition.responseType.decode(bytes);
    const body = definition.requestStream
      ? mapStream(request as AsyncIterable<unknown>, encode)
      : encode(request);
    // A stream starts when it is first read: one that nobody reads must neither hold anything nor fail unheard.
    if (definition.responseStream)
      return decodeLater(() => send(policy, next, body, context, call, options), decode);
    return send(policy, next, body, context, call, options).then((bytes) => {
      if (isStream(bytes)) throw new Error(`${policy.path} answered with a stream`);
      return decode(bytes);
    });
  };
}

async function* decodeLater(
  answer: () => Promise<Body>,
  decode: (bytes: Uint8Array) => unknown,
): AsyncGenerator<unknown> {
  const body = await answer();
  if (isStream(body)) yield* mapStream(body, decode);
  else yield decode(body);
}

async function send(
  policy: MethodPolicy,
  next: Next,
  body: Body,
  parent: CallContext,
  call: CallOptions,
  options: ClientOptions,
): Promise<Body> {
  const { ambient } = options;
  const nowMs = ambient.clock.nowMs();
  const deadlineMs = childDeadline(nowMs, parent.deadlineMs, call.deadlineMs ?? policy.deadlineMs);
  if (deadlineMs <= nowMs) throw deadlineExceeded(policy.path);
  const ending = deadlineSignal(ambient, parent.signal, deadlineMs, policy.path);
  const context: CallContext = {
    ...parent,
    deadlineMs,
    signal: ending.signal,
    caller: options.caller,
    userToken: call.userToken ?? parent.userToken,
    metadata: call.idempotencyKey === undefined ? {} : { 'idempotency-key': call.idempotencyKey },
    command: undefined,
  };
  try {
    const answer = await next({ method: policy, body, context, onTrailers: call.onTrailers });
    return onEnd(answer, ending.dispose);
  } catch (error) {
    ending.dispose();
    throw MeshError.from(error);
  }
}

/** The innermost step of a client: what the context holds becomes metadata, and the call leaves. */
function toWire(wire: Wire): Next {
  return async ({ method, body, context, onTrailers }) => {
    const response = await wire.call({
      method,
      body,
      metadata: metadataOf(context),
      deadlineMs: context.deadlineMs,
      signal: context.signal,
    });
    onTrailers?.(response.trailers);
    return response.body;
  };
}

function metadataOf(context: CallContext): Metadata {
  return {
    ...context.metadata,
    traceparent: formatTraceparent(context.trace),
    'x-priority': context.priority,
    ...(context.userToken === undefined ? {} : { authorization: `Bearer ${context.userToken}` }),
  };
}
