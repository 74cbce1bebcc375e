import type { IncomingHttpHeaders } from 'node:http';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { MeshError } from '../../mesh/contract/error.js';
import type { EdgePorts } from '../../mesh/runtime/edge.js';
import { StartupError } from '../../mesh/runtime/startup-error.js';
import { parseTraceparent } from '../../mesh/telemetry/trace-context.js';
import type { Span } from '../../mesh/telemetry/tracer.js';
import { problemOf } from './problem.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Its answers are streams, which mostly wait. */
    readonly streams?: boolean;
  }
}

/** What a client can take of the server at most. */
export interface HttpLimits {
  readonly bodyBytes: number;
  readonly headerBytes: number;
  /** How long a client may take to send its headers, in milliseconds. */
  readonly headersTimeoutMs: number;
  /** How long it may take to send the whole request, in milliseconds. */
  readonly requestTimeoutMs: number;
  /** How often connections are held against the two above, in milliseconds. */
  readonly checkEveryMs: number;
}

export const httpLimits: HttpLimits = {
  bodyBytes: 65_536,
  headerBytes: 16_384,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  checkEveryMs: 2_000,
};

/** How long a server that stops goes on to answer on connections that are open. */
const lingerMs = 1_000;

/** The HTTP server with everything that is the same for each route. */
export interface HttpServer {
  readonly app: FastifyInstance;
  /** The span of a request; every request has one. */
  spanOf(request: FastifyRequest): Span;
  /** @throws StartupError when the port is taken. */
  listen(): Promise<string>;
  close(graceMs: number): Promise<void>;
}

/** What every answer says to a browser. */
const securityHeaders = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'content-security-policy':
    "default-src 'none'; img-src 'self'; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
};

/** Status lines for what is no request at all; others are 400. */
const brokenRequestStatus: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
};

/** Makes the server: limits, spans, logs, metrics, and errors as problem+json. */
export function createHttpServer(ports: EdgePorts, limits: HttpLimits = httpLimits): HttpServer {
  const spans = new WeakMap<FastifyRequest, { readonly span: Span; readonly startedMs: number }>();
  const app = fastify({
    bodyLimit: limits.bodyBytes,
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: 65_000,
    connectionTimeout: 0,
    maxRequestsPerSocket: 10_000,
    http: {
      maxHeaderSize: limits.headerBytes,
      headersTimeout: limits.headersTimeoutMs,
      connectionsCheckingInterval: limits.checkEveryMs,
    },
    // How long a part of a path may be, the contract says.
    routerOptions: { maxParamLength: limits.headerBytes, ignoreTrailingSlash: false },
    trustProxy: false,
    return503OnClosing: false,
    clientErrorHandler: (error, socket) => {
      const status = brokenRequestStatus[(error as NodeJS.ErrnoException).code ?? ''] ?? '400 Bad Request';
      if (socket.writable) socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
    },
    // A path that can't be read comes to no route and no hook.
    frameworkErrors: (failure, request, reply) => {
      begin(request, reply);
      problem(request, reply, failure);
    },
  });
  app.server.maxConnections = 2_000;
  app.server.maxHeadersCount = 200;
  // Bodies stay bytes: our own reader is stricter than the framework's.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(/^application\/json(;|$)/, { parseAs: 'buffer' }, (request, body, done) => {
    const unread = unreadBody(request.headers);
    if (unread === undefined) done(null, body);
    else done(unread);
  });

  const spanOf = (request: FastifyRequest) => {
    const known = spans.get(request);
    if (known === undefined) throw new Error('a request without a span');
    return known.span;
  };

  let leaving = false;
  app.addHook('onSend', (_request, reply, _payload, done) => {
    if (leaving) reply.header('connection', 'close');
    done();
  });
  const begin = (request: FastifyRequest, reply: FastifyReply) => {
    const route = request.routeOptions.url ?? 'none';
    const span = ports.tracer.start({
      name: `${request.method} ${route}`,
      kind: 'server',
      parent: parseTraceparent(request.headers.traceparent as string | undefined),
      attributes: {
        'http.request.method': request.method,
        'http.route': route,
        'url.path': pathOf(request),
        'client.address': request.ip,
      },
    });
    spans.set(request, { span, startedMs: ports.clock.monotonicMs() });
    reply.headers({ ...securityHeaders, 'x-trace-id': span.context.traceId });
    // Hijacked answers (streams) end outside the framework, so the raw response tells when one is over.
    const counted = request.routeOptions.config.streams !== true;
    if (counted) ports.httpInFlight(1);
    reply.raw.once('close', () => {
      if (counted) ports.httpInFlight(-1);
      finish(request, reply.raw.headersSent ? reply.raw.statusCode : 499);
    });
  };
  const finish = (request: FastifyRequest, status: number) => {
    const known = spans.get(request);
    if (known === undefined) return;
    const route = request.routeOptions.url ?? 'none';
    const ms = ports.clock.monotonicMs() - known.startedMs;
    known.span.setAttribute('http.response.status_code', status);
    known.span.end(status >= 500 ? String(status) : undefined);
    ports.observeHttp(request.method, route, status, ms / 1_000);
    ports.log.info(
      {
        http: request.method,
        route,
        status,
        ms: Math.round(ms * 100) / 100,
        client: request.ip,
        trace_id: known.span.context.traceId,
      },
      'request',
    );
  };
  app.addHook('onRequest', (request, reply, done) => {
    begin(request, reply);
    done();
  });

  const problem = (request: FastifyRequest, reply: FastifyReply, failure: unknown) => {
    const error = toMeshError(failure, limits);
    const told = problemOf(error, pathOf(request), spanOf(request).context.traceId);
    if (told.status >= 500 && error.cause !== undefined) {
      ports.log.error(
        {
          trace_id: told.traceId,
          cause: error.cause instanceof Error ? error.cause.stack : String(error.cause),
        },
        'request failed',
      );
    }
    if (told.status === 401) reply.header('www-authenticate', 'Bearer');
    const retryAfterMs = Number(error.metadata['retryAfterMs']);
    if (retryAfterMs > 0) reply.header('retry-after', Math.ceil(retryAfterMs / 1_000));
    return reply
      .code(told.status)
      .header('content-type', 'application/problem+json')
      .send(JSON.stringify(told));
  };
  app.setErrorHandler((failure, request, reply) => problem(request, reply, failure));
  app.setNotFoundHandler((request, reply) => {
    const allowed = (['GET', 'POST', 'PATCH', 'DELETE', 'PUT'] as const).filter(
      (method) => app.findRoute({ method, url: pathOf(request) }) ?? hasRoute(app, method, pathOf(request)),
    );
    if (allowed.length > 0 && !allowed.includes(request.method as 'GET')) {
      reply.header('allow', allowed.join(', '));
      return problem(
        request,
        reply,
        new MeshError({
          code: 'UNIMPLEMENTED',
          reason: 'METHOD_NOT_ALLOWED',
          message: `this path takes ${allowed.join(', ')}, not ${request.method}`,
        }),
      );
    }
    return problem(
      request,
      reply,
      new MeshError({
        code: 'NOT_FOUND',
        reason: 'ROUTE_NOT_FOUND',
        message: 'there is nothing at this path: see /openapi.json',
      }),
    );
  });

  return {
    app,
    spanOf,
    listen: async () => {
      try {
        return await app.listen({ host: ports.listen.host, port: ports.listen.httpPort });
      } catch (cause) {
        const { code } = cause as NodeJS.ErrnoException;
        const port = ports.listen.httpPort;
        throw code === 'EADDRINUSE'
          ? new StartupError(
              `port ${port} is taken (REST)`,
              'stop what uses it, or choose another with PORT',
              { cause },
            )
          : new StartupError(
              `REST can't listen on ${ports.listen.host}:${port} (${code})`,
              'check HOST and PORT',
              { cause },
            );
      }
    },
    close: async (graceMs) => {
      const cut = ports.timers.after(graceMs, () => app.server.closeAllConnections());
      // A kept connection that is closed while its client sends the next request is a failed request. So clients are told
      // first, with the answers that they get meanwhile.
      leaving = true;
      const untilMs = ports.clock.monotonicMs() + Math.min(lingerMs, graceMs / 2);
      while ((await connectionsOf(app)) > 0 && ports.clock.monotonicMs() < untilMs)
        await ports.timers.sleep(20);
      app.server.closeIdleConnections();
      await app.close();
      cut();
    },
  };
}

function connectionsOf(app: FastifyInstance): Promise<number> {
  return new Promise((resolve) => {
    app.server.getConnections((error, count) => resolve(error === null ? count : 0));
  });
}

/** Whether the router would take this path with another method. */
function hasRoute(app: FastifyInstance, method: string, path: string): boolean {
  return app.hasRoute({ method: method as 'GET', url: path });
}

function pathOf(request: FastifyRequest): string {
  return request.url.split('?')[0] ?? '/';
}

/** Why a JSON body can't be read as its headers say it is written: compressed, or in another character set. */
function unreadBody(headers: IncomingHttpHeaders): MeshError | undefined {
  const encoding = headers['content-encoding']?.toLowerCase() ?? 'identity';
  const charset = /;\s*charset\s*=\s*"?([^\s";]*)/i.exec(headers['content-type'] ?? '')?.[1] ?? 'utf-8';
  const told =
    encoding !== 'identity'
      ? 'the body is compressed (content-encoding): send it as it is'
      : !/^utf-?8$/i.test(charset)
        ? 'the body is not in UTF-8 (content-type): send it in UTF-8'
        : undefined;
  if (told === undefined) return undefined;
  return new MeshError({ code: 'INVALID_ARGUMENT', reason: 'UNSUPPORTED_MEDIA_TYPE', message: told });
}

/** The framework's own errors in the words of the contract. */
function toMeshError(failure: unknown, limits: HttpLimits): MeshError {
  if (MeshError.is(failure)) return failure;
  const { code, statusCode } = failure as { code?: string; statusCode?: number };
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
    return new MeshError({
      code: 'RESOURCE_EXHAUSTED',
      reason: 'BODY_TOO_LARGE',
      message: `the body is larger than ${limits.bodyBytes} bytes: send less`,
    });
  }
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') {
    return new MeshError({
      code: 'INVALID_ARGUMENT',
      reason: 'UNSUPPORTED_MEDIA_TYPE',
      message: 'the body must be application/json: set the content-type header',
    });
  }
  if (code === 'FST_ERR_BAD_URL') {
    return new MeshError({
      code: 'INVALID_ARGUMENT',
      reason: 'MALFORMED_REQUEST',
      message: 'the path is not well formed: encode what stands behind each %',
    });
  }
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return new MeshError({
      code: 'INVALID_ARGUMENT',
      reason: 'MALFORMED_REQUEST',
      message: 'the request is not well formed',
      cause: failure,
    });
  }
  return MeshError.from(failure);
}
