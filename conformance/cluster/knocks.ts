import { probe } from './pods.js';

/** A connection to try. */
export interface Knock {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** First bytes, as Latin-1 text. */
  readonly say: string;
}

/** What came of it. */
export interface Knocked {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** The beginning of the answer; empty when there was none. */
  readonly heard: string;
  /** `answer`, `closed`, `silence`, or the error's code. */
  readonly how: string;
}

/** Asks for a page of the host that is knocked at: a sidecar routes by the name. */
const http = 'GET /healthz HTTP/1.1\r\nhost: HOST\r\nconnection: close\r\n\r\n';

/** What makes the one who listens on a port speak. */
const openings: Readonly<Record<number, string>> = {
  // HTTP/2: the preface, and empty settings.
  50051: 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0',
  9464: http,
  8080: http,
  15020: http,
  15021: http,
  15090: http,
  8090: http,
  8025: http,
  8500: 'GET /v1/status/leader HTTP/1.1\r\nhost: HOST\r\nconnection: close\r\n\r\n',
  6379: 'PING\r\n',
  // PostgreSQL: whether it speaks TLS. It answers with one letter.
  5432: '\0\0\0\x08\x04\xd2\x16\x2f',
  // SMTP: the server speaks first, and to this once more.
  2525: 'NOOP\r\n',
};

/** @throws Error for a port of which nothing is known. */
export function knockAt(name: string, host: string, port: number): Knock {
  const say = openings[port];
  if (say === undefined)
    throw new Error(`what listens on port ${port} of ${name} is not known: add it to openings`);
  return { name, host, port, say: say.replace('HOST', `${host}:${port}`) };
}

/** Knocks from a pod. */
export function knockFrom(pod: string, container: string, knocks: readonly Knock[]): Promise<Knocked[]> {
  return probe<Knocked[]>(pod, container, 'knock', { knocks, withinMs: 5_000 });
}

/** Whether somebody was there. A sidecar that says no in HTTP, of either end, is nobody. */
export const wasHeard = ({ heard }: Knocked) =>
  heard !== '' &&
  !(/^HTTP\/1\.1 (403|502|503) /.test(heard) && /^server: (envoy|istio-envoy)\r$/m.test(heard));
