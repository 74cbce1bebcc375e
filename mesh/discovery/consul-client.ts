import { readFileSync } from 'node:fs';
import http, { type Agent, type ClientRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import https from 'node:https';
import Consul from 'consul';
import type { Ambient } from '../runtime/ports.js';
import { StartupError } from '../runtime/startup-error.js';

/** Which Consul agent is asked, and as whom. */
export interface ConsulAccess {
  /** As in CONSUL_HTTP_ADDR: `127.0.0.1:8500`, `http://...` or `https://...`. */
  readonly address: string;
  /** File with an ACL token; read for each request, so that it can be changed. */
  readonly tokenFile?: string | undefined;
}

/** A Consul agent as it is reached by package and by request of our own. */
export interface ConsulClient {
  /** The package's client, held to the bounds below. */
  readonly api: Consul;
  /** Without a slash at its end. */
  readonly url: string;
  /** The ACL token, as option of the package's methods. */
  access(): { readonly token?: string };
}

/** More than this is no answer of Consul's to any question of ours: a thousand instances take 1.5 MB. */
const maxAnswerBytes = 4 * 1024 * 1024;

/** So often may a client ask at once, and then once in so many milliseconds. */
const pace = { burst: 10, everyMs: 100 };

/**
 * Reads an address as people write it in CONSUL_HTTP_ADDR.
 * @throws StartupError for what is not one.
 */
export function consulUrl(address: string): URL {
  const mend = 'give it as 127.0.0.1:8500 or https://consul.example:8501';
  let url: URL;
  try {
    url = new URL(/^[a-z]+:\/\//i.test(address) ? address : `http://${address}`);
  } catch (cause) {
    throw new StartupError(`CONSUL_HTTP_ADDR is '${address}'`, mend, { cause });
  }
  const plain = url.username === '' && url.pathname.replace('/', '') === '' && url.search === '' && !url.hash;
  if (!['http:', 'https:'].includes(url.protocol) || !plain || url.port === '0')
    throw new StartupError(`CONSUL_HTTP_ADDR is '${address}'`, mend);
  return url;
}

/**
 * Makes a client. Nothing is connected yet, and Consul need not be there.
 * @throws StartupError for a wrong address, or a token file that can't be read.
 */
export function openConsul(access: ConsulAccess, ambient: Pick<Ambient, 'clock' | 'timers'>): ConsulClient {
  const url = consulUrl(access.address);
  const secure = url.protocol === 'https:';
  const api = new Consul({
    host: url.hostname,
    port: Number(url.port || (secure ? 443 : 80)),
    secure,
    agent: agentFor(secure),
  });
  bound(api as unknown as Extensible, ambient);
  const token = () => (access.tokenFile === undefined ? '' : readToken(access.tokenFile));
  token();
  return {
    api,
    url: url.origin,
    access: () => {
      const text = token();
      return text === '' ? {} : { token: text };
    },
  };
}

/** Connections are shared by all clients of a kind in a process; a client takes at most one at a time for each question. */
const agents: { plain?: Agent; secure?: https.Agent } = {};

function agentFor(secure: boolean): Agent {
  if (secure) {
    agents.secure ??= new https.Agent({ keepAlive: true });
    return agents.secure;
  }
  agents.plain ??= new http.Agent({ keepAlive: true });
  return agents.plain;
}

function readToken(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new StartupError(
      `the file ${file} with Consul's token can't be read (${code})`,
      'write the token there',
      {
        cause,
      },
    );
  }
}

/** What the package's base (papi) gives its plug-ins. */
interface Extensible {
  _ext(
    event: 'onRequest',
    plugin: (request: Asking, next: (stop?: false, why?: Error) => void) => void,
  ): void;
}

interface Asking {
  /** The watch that asks, if it is one. */
  readonly ctx?: unknown;
  readonly req: { hostname?: string };
  transport: { request(options: RequestOptions): ClientRequest };
}

/**
 * The package waits for ever for an answer that breaks off, takes one of any length, and a watch asks again at once
 * whatever was answered. What answers at the address may not be Consul: so all three are bounded here.
 */
function bound(api: Extensible, { clock, timers }: Pick<Ambient, 'clock' | 'timers'>): void {
  let nextMs = Number.NEGATIVE_INFINITY;
  api._ext('onRequest', (asking, next) => {
    // An IPv6 address stands in brackets in a URL only.
    if (asking.req.hostname !== undefined)
      asking.req.hostname = asking.req.hostname.replace(/^\[(.*)\]$/, '$1');
    asking.transport = bounded(asking.transport);
    const nowMs = clock.monotonicMs();
    nextMs = Math.max(nextMs, nowMs - pace.burst * pace.everyMs) + pace.everyMs;
    if (nextMs <= nowMs) {
      next();
      return;
    }
    timers.after(nextMs - nowMs, () => {
      if (hasEnded(asking.ctx)) next(false, new Error('the watch has ended'));
      else next();
    });
  });
}

function hasEnded(watch: unknown): boolean {
  const isRunning = (watch as { isRunning?: () => boolean } | undefined)?.isRunning;
  return isRunning !== undefined && !isRunning.call(watch);
}

function bounded(transport: Asking['transport']): Asking['transport'] {
  return {
    request: (options) => {
      const request = transport.request(options);
      request.once('response', (response: IncomingMessage) => {
        let length = 0;
        response.on('data', (chunk: Buffer) => {
          length += chunk.length;
          if (length > maxAnswerBytes) request.destroy();
        });
        response.once('close', () => {
          if (response.complete) return;
          const why = length > maxAnswerBytes ? `is longer than ${maxAnswerBytes} bytes` : 'broke off';
          request.emit('error', new Error(`the answer ${why}`));
        });
      });
      return request;
    },
  };
}
