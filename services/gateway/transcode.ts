import type { DescMessage, JsonValue } from '@bufbuild/protobuf';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { MeshError } from '../../mesh/contract/error.js';
import { bytesToJson, jsonToBytes } from '../../mesh/contract/json.js';
import type { HttpBinding, MethodPolicy } from '../../mesh/contract/policy.js';
import { type CallContext, originOf } from '../../mesh/rpc/context.js';
import type { WireResponse } from '../../mesh/rpc/wire.js';
import type { EdgePorts } from '../../mesh/runtime/edge.js';
import { formatTraceparent } from '../../mesh/telemetry/trace-context.js';
import type { Span } from '../../mesh/telemetry/tracer.js';
import { canaryHeader, canaryWish } from './exposure.js';
import {
  type Credentials,
  credentialsOf,
  guestCookieLine,
  guestHeader,
  mergeGuestCart,
  newGuest,
  refuseCrossSite,
  userIdOf,
  wantsGuest,
  withGoodGuest,
} from './guest.js';
import { parseJsonBody } from './json-body.js';
import type { CheckLimits } from './limits.js';
import { problemOf } from './problem.js';
import { queryOf, requestJson } from './request-message.js';
import { writeEvents } from './sse.js';

/** What a route of the contracts works with. */
export interface RouteWorld {
  readonly ports: EdgePorts;
  readonly checkLimits: CheckLimits;
  /** Aborted when the gateway begins to stop: streams end. */
  readonly stopping: AbortSignal;
  /** The span of a request. */
  spanOf(request: FastifyRequest): Span;
}

const authenticatePath = '/meshmart.users.v1.UsersService/Authenticate';

/** The handler of one REST path: JSON to bytes, the call, bytes to JSON. The same for every method of the contracts. */
export function restHandler(world: RouteWorld, method: MethodPolicy, binding: HttpBinding) {
  const { ports } = world;
  const type = ports.contract.registry.getMessage(method.input);
  const owner = ports.ownerOf(method.service);
  if (type === undefined || owner === undefined)
    throw new Error(`${method.path} can't be served: no type or no service`);

  return async (request: FastifyRequest, reply: FastifyReply): Promise<unknown> => {
    const ending = new AbortController();
    reply.raw.on('close', () => {
      if (!reply.raw.writableFinished)
        ending.abort(
          new MeshError({ code: 'CANCELLED', reason: 'CANCELLED', message: 'the client has gone' }),
        );
    });
    const span = world.spanOf(request);
    const sent = credentialsOf(request.headers);
    refuseCrossSite(request.headers, request.method, sent);
    let credentials = await withGoodGuest(ports, sent);
    await world.checkLimits({ client: request.ip, userId: await userIdOf(ports, credentials.token), method });
    const json = requestJson(type, binding, {
      params: request.params as Record<string, string>,
      query: queryOf(request.url),
      body: await bodyOf(request),
    });
    const body = jsonToBytes(ports.contract, method.input, resumed(method, type, json, request));
    const context = contextOf(ports, method, span, ending.signal);
    if (wantsGuest(method, credentials)) {
      const guestToken = await newGuest(ports, context);
      credentials = { ...credentials, token: guestToken, guestToken };
      reply.header('set-cookie', guestCookieLine(guestToken)).header(guestHeader, guestToken);
    } else if (credentials !== sent) reply.header('set-cookie', guestCookieLine(undefined));
    const response = await ports.wireTo(owner).call({
      method,
      body,
      metadata: metadataOf(request, method, credentials, span),
      deadlineMs: context.deadlineMs,
      signal: ending.signal,
    });
    if (method.kind === 'server_streaming') return stream(world, request, reply, method, response, ending);
    const answer = bytesToJson(ports.contract, method.output, response.body as Uint8Array);
    if (method.path === authenticatePath && credentials.guestToken !== undefined) {
      const merged = await mergeGuestCart(
        ports,
        context,
        credentials.guestToken,
        (answer as { token: string }).token,
      );
      if (merged) reply.header('set-cookie', guestCookieLine(undefined));
    }
    return send(reply, method, response, answer);
  };
}

function send(
  reply: FastifyReply,
  method: MethodPolicy,
  response: WireResponse,
  answer: JsonValue,
): FastifyReply {
  const { contentType, data } = answer as { contentType?: unknown; data?: unknown };
  if (typeof contentType === 'string' && typeof data === 'string') {
    return reply
      .header('content-type', contentType)
      .header('cache-control', 'public, max-age=60')
      .send(Buffer.from(data, 'base64'));
  }
  const degraded = response.trailers['x-degraded'];
  if (degraded !== undefined) reply.header('x-degraded', degraded);
  const told = Number(response.trailers['x-http-code']);
  return reply
    .code(told >= 200 && told < 300 ? told : method.httpStatus)
    .header('content-type', 'application/json; charset=utf-8')
    .send(JSON.stringify(answer));
}

async function stream(
  world: RouteWorld,
  request: FastifyRequest,
  reply: FastifyReply,
  method: MethodPolicy,
  response: WireResponse,
  ending: AbortController,
): Promise<void> {
  const { ports } = world;
  const iterator = (response.body as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
  // The first message decides between a stream and an error with a status of its own.
  const first = await iterator.next();
  const stop = () =>
    ending.abort(
      new MeshError({
        code: 'UNAVAILABLE',
        reason: 'UNAVAILABLE',
        message: 'the gateway is stopping: come back',
      }),
    );
  world.stopping.addEventListener('abort', stop, { once: true });
  if (world.stopping.aborted) stop();
  async function* messages() {
    for (let next = first; next.done !== true; next = await iterator.next())
      yield bytesToJson(ports.contract, method.output, next.value);
  }
  reply.hijack();
  reply.raw.writeHead(200, {
    ...(reply.getHeaders() as Record<string, string>),
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
  });
  reply.raw.write('retry: 1000\n\n');
  const span = world.spanOf(request);
  await writeEvents(
    {
      response: reply.raw,
      messages: messages(),
      timers: ports.timers,
      event: method.method,
      signal: ending.signal,
    },
    (failure) => problemOf(failure, request.url, span.context.traceId),
  );
  world.stopping.removeEventListener('abort', stop);
}

/** A client of server-sent events that comes back says which event it saw last. */
function resumed(method: MethodPolicy, type: DescMessage, json: unknown, request: FastifyRequest): unknown {
  const last = request.headers['last-event-id'];
  const resumable = type.fields.some((field) => field.jsonName === 'afterVersion');
  if (method.kind !== 'server_streaming' || !resumable) return json;
  if (typeof last !== 'string' || !/^\d{1,18}$/.test(last)) return json;
  return { ...(json as object), afterVersion: last };
}

async function bodyOf(request: FastifyRequest): Promise<unknown> {
  const bytes = request.body as Buffer | undefined;
  return bytes === undefined || bytes.length === 0 ? undefined : parseJsonBody(bytes);
}

function contextOf(ports: EdgePorts, method: MethodPolicy, span: Span, signal: AbortSignal): CallContext {
  return originOf({
    service: 'gateway',
    deadlineMs: ports.clock.nowMs() + method.deadlineMs,
    signal,
    trace: span.context,
    priority: method.priority,
  });
}

function metadataOf(
  request: FastifyRequest,
  method: MethodPolicy,
  credentials: Credentials,
  span: Span,
): Record<string, string> {
  const key = request.headers['idempotency-key'];
  const { authorization } = request.headers;
  const token = credentials.token === undefined ? authorization : `Bearer ${credentials.token}`;
  return {
    traceparent: formatTraceparent(span.context),
    'x-priority': method.priority,
    ...(token === undefined ? {} : { authorization: token }),
    ...(typeof key === 'string' ? { 'idempotency-key': key } : {}),
    ...canaryWish(request.headers[canaryHeader]),
  };
}
