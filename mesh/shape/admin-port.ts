import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Readiness, ServiceHealth } from '../runtime/edge.js';
import { StartupError } from '../runtime/startup-error.js';
import type { SeenEdge } from '../telemetry/edge-memory.js';
import type { FinishedSpan } from '../telemetry/tracer.js';
import { type DeadLetterSources, deadLetterPage } from './dead-letter-pages.js';

/** What `meshmart status` shows. */
export interface StatusReport {
  readonly version: string;
  readonly shape: string;
  readonly pid: number;
  readonly startedAt: string;
  readonly ready: boolean;
  /** Name to URL of what listens. */
  readonly addresses: Readonly<Record<string, string>>;
  /** One line a service, or a line an instance where each has a process of its own. */
  readonly services: readonly (ServiceHealth & ServiceLine)[];
  /** Group to the number of its dead letters, where it could be asked. */
  readonly deadLetters: Readonly<Record<string, number>>;
}

interface ServiceLine {
  readonly version: string;
  readonly address: string;
  /** `catalog-1.2`: see `meshmart up --shape processes`. */
  readonly instance?: string;
  readonly pid?: number;
  readonly state?: string;
  readonly restarts?: number;
}

/** What the admin port answers with. */
export interface AdminSources {
  /** Prometheus text and its content type. */
  metrics(): Promise<{ readonly contentType: string; readonly text: string }>;
  readiness(): Promise<Readiness>;
  status(): Promise<object>;
  spansOfOrder(orderId: string): Awaitable<readonly FinishedSpan[]>;
  spansOfTrace(traceId: string): Awaitable<readonly FinishedSpan[]>;
  recentSpans(limit: number): Awaitable<readonly FinishedSpan[]>;
  /** Who has called what, as seen by the called. */
  edges(): Awaitable<readonly SeenEdge[]>;
  /** Whom Prometheus shall scrape; only where one process knows of many. */
  targets?(): Promise<readonly object[]>;
  /** Messages that consumers gave up; only where events are consumed. */
  readonly deadLetters?: DeadLetterSources | undefined;
}

type Awaitable<T> = T | Promise<T>;

/** The port for those who run the shop: metrics, health, status, traces, dead letters. Not for the outside. */
export interface AdminPort {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Listens for operators. Only reads, but for the replay of dead letters; every answer but `/metrics` is JSON.
 * @param host 127.0.0.1 unless ADMIN_HOST says otherwise.
 * @throws StartupError when the port is taken.
 */
export async function openAdminPort(host: string, port: number, sources: AdminSources): Promise<AdminPort> {
  const server = createServer(
    { requestTimeout: 10_000, headersTimeout: 5_000, maxHeaderSize: 8_192 },
    (request, response) => {
      answer(request, response, sources).catch(() =>
        reply(response, 500, { title: 'The admin port failed', detail: 'see the log' }),
      );
    },
  );
  server.maxConnections = 64;
  await listening(server, host, port);
  const address = server.address();
  const actual = typeof address === 'object' && address !== null ? address.port : port;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${actual}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  sources: AdminSources,
): Promise<void> {
  const url = urlOf(request);
  if (url !== undefined && sources.deadLetters !== undefined) {
    const page = await deadLetterPage(request, url, sources.deadLetters);
    if (page !== undefined) {
      if (page.allow !== undefined) response.setHeader('allow', page.allow);
      return reply(response, page.status, page.body);
    }
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD');
    return reply(response, 405, { title: 'The admin port only reads' });
  }
  if (url === undefined) return reply(response, 400, { title: 'The address of the page can not be read' });
  switch (url.pathname) {
    case '/metrics': {
      const { contentType, text } = await sources.metrics();
      response.writeHead(200, { 'content-type': contentType }).end(text);
      return;
    }
    case '/healthz':
      return reply(response, 200, { status: 'alive' });
    case '/readyz': {
      const readiness = await sources.readiness();
      return reply(response, readiness.ready ? 200 : 503, readiness);
    }
    case '/status':
      return reply(response, 200, await sources.status());
    case '/traces':
      return reply(response, 200, { spans: await spansFor(url.searchParams, sources) });
    case '/edges':
      return reply(response, 200, { edges: await sources.edges() });
    case '/targets':
      return reply(response, 200, (await sources.targets?.()) ?? []);
    default:
      return reply(response, 404, {
        title: 'No such page on the admin port',
        detail:
          'there are /metrics, /healthz, /readyz, /status, /edges, /targets, /dead-letters and /traces?order=ID',
      });
  }
}

/** None for what is no address, such as `//`. */
function urlOf(request: IncomingMessage): URL | undefined {
  try {
    return new URL(request.url ?? '/', 'http://admin');
  } catch {
    return undefined;
  }
}

function spansFor(query: URLSearchParams, sources: AdminSources): Awaitable<readonly FinishedSpan[]> {
  const order = query.get('order');
  if (order !== null) return sources.spansOfOrder(order);
  const traceId = query.get('traceId');
  if (traceId !== null) return sources.spansOfTrace(traceId);
  return sources.recentSpans(200);
}

function reply(response: ServerResponse, status: number, body: unknown): void {
  // First the text, because it may fail: half an answer can't be taken back.
  const text = `${JSON.stringify(body)}\n`;
  response
    .writeHead(status, {
      'content-type': status >= 400 ? 'application/problem+json' : 'application/json',
      'cache-control': 'no-store',
    })
    .end(text);
}

function listening(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      reject(
        cause.code === 'EADDRINUSE'
          ? new StartupError(
              `port ${port} is taken (admin port)`,
              'stop what uses it, or choose another with ADMIN_PORT',
              { cause },
            )
          : new StartupError(
              `the admin port can't listen on ${host}:${port} (${cause.code})`,
              'check ADMIN_HOST and ADMIN_PORT',
              { cause },
            ),
      );
    });
    // Exclusive: processes at the edge share their other ports, and each has an admin port of its own.
    server.listen({ port, host, exclusive: true }, () => resolve());
  });
}
