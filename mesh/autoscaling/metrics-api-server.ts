import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import type { Log, Timers } from '../runtime/ports.js';
import { StartupError } from '../runtime/startup-error.js';
import type { CustomMetricsApi } from './custom-metrics.js';
import { type FrontProxy, isFrontProxy } from './front-proxy.js';

export interface MetricsApiServerOptions {
  readonly host: string;
  /** 0 means any free port. */
  readonly port: number;
  /** Folder with `tls.crt` and `tls.key`, which may be replaced at any time. */
  readonly certificateFolder: string;
  readonly frontProxy: () => Promise<FrontProxy>;
  readonly api: CustomMetricsApi;
  readonly timers: Timers;
  readonly log: Log;
  /** How often certificates and authorities are read again, in milliseconds. Default 300000. */
  readonly renewEveryMs?: number;
}

/** A server that listens. */
export interface MetricsApiServer {
  readonly port: number;
  close(): Promise<void>;
}

/** How long an answer may take, in milliseconds: the controller that scales asks again after fifteen seconds. */
const answerWithinMs = 8_000;

/**
 * Serves the API by TLS to the API server, which shows a certificate of the cluster's own, and to nobody else; `/healthz` to
 * the kubelet as well, which has none.
 * @throws StartupError when the certificate is missing or the port is taken.
 */
export async function openMetricsApiServer(options: MetricsApiServerOptions): Promise<MetricsApiServer> {
  const { timers, log, renewEveryMs = 300_000 } = options;
  let frontProxy = await options.frontProxy();
  const context = () => ({ ...readCertificate(options.certificateFolder), ca: frontProxy.authorities });
  const server = createServer(
    {
      ...context(),
      minVersion: 'TLSv1.2',
      requestCert: true,
      // Judged for each request, because the kubelet shows none.
      rejectUnauthorized: false,
      requestTimeout: 10_000,
      headersTimeout: 5_000,
      maxHeaderSize: 16_384,
    },
    (request, response) => {
      answer(request, response, () => frontProxy, options).catch((error: unknown) => {
        log.error({ error: String(error) }, 'a request for metrics failed');
        reply(response, 500, { kind: 'Status', apiVersion: 'v1', status: 'Failure', code: 500 });
      });
    },
  );
  server.maxConnections = 64;
  await listening(server, options);
  let cancel = () => {};
  const renewLater = () => {
    cancel = timers.after(renewEveryMs, () => {
      void options
        .frontProxy()
        .then((read) => {
          frontProxy = read;
          server.setSecureContext(context());
        })
        .catch((error: unknown) => log.warn({ problem: String(error) }, 'certificates can not be renewed'))
        .finally(renewLater);
    });
  };
  renewLater();
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : options.port,
    close: () =>
      new Promise((resolve) => {
        cancel();
        cancel = () => {};
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  frontProxy: () => FrontProxy,
  { api, timers }: MetricsApiServerOptions,
): Promise<void> {
  const url = URL.canParse(request.url ?? '', 'https://metrics')
    ? new URL(request.url ?? '', 'https://metrics')
    : undefined;
  if (url === undefined || (request.method !== 'GET' && request.method !== 'HEAD'))
    return reply(response, url === undefined ? 400 : 405, { kind: 'Status', status: 'Failure' });
  if (url.pathname === '/healthz') return reply(response, 200, { status: 'alive' });
  const socket = request.socket as TLSSocket;
  if (!socket.authorized || !isFrontProxy(socket.getPeerCertificate(), frontProxy()))
    return reply(response, 401, {
      kind: 'Status',
      apiVersion: 'v1',
      status: 'Failure',
      code: 401,
      reason: 'Unauthorized',
      message: 'only the API server may ask: go through it, by kubectl get --raw',
    });
  const gone = new AbortController();
  const cancel = timers.after(answerWithinMs, () => gone.abort(new Error('it took too long')));
  response.once('close', () => gone.abort(new Error('nobody waits any more')));
  try {
    const { status, body } = await api(url, gone.signal);
    reply(response, status, body);
  } finally {
    cancel();
  }
}

function reply(response: ServerResponse, status: number, body: object): void {
  if (response.headersSent) return;
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

function readCertificate(folder: string): { readonly cert: string; readonly key: string } {
  const read = (name: string) => {
    try {
      return readFileSync(join(folder, name), 'utf8');
    } catch (cause) {
      throw new StartupError(
        `${join(folder, name)} can't be read`,
        'put the certificate of the metrics API there, and its key',
        { cause },
      );
    }
  };
  return { cert: read('tls.crt'), key: read('tls.key') };
}

function listening(server: Server, { host, port }: MetricsApiServerOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) =>
      reject(
        new StartupError(
          `the metrics API can't listen on ${host}:${port} (${cause.code})`,
          'check AUTOSCALER_HOST and AUTOSCALER_METRICS_PORT',
          { cause },
        ),
      ),
    );
    server.listen({ host, port }, () => resolve());
  });
}
