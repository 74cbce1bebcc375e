import { MeshError } from '../contract/error.js';
import type { OutgoingHttp } from '../runtime/outgoing-http.js';

/** What is asked, and what it is called in messages. */
export interface JsonQuestion {
  readonly http: OutgoingHttp;
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  /** Such as `Consul`. */
  readonly whom: string;
}

/** Asks for JSON. @throws MeshError UNAVAILABLE for no answer, another status than 200, or no JSON. */
export async function jsonAnswer({ http, url, headers = {}, signal, whom }: JsonQuestion): Promise<unknown> {
  const unavailable = (problem: string, cause?: unknown) =>
    new MeshError({
      code: 'UNAVAILABLE',
      reason: 'UNAVAILABLE',
      message: `${whom} ${problem} (${url.origin}${url.pathname})`,
      cause,
    });
  let answer: { readonly status: number; readonly body: string };
  try {
    answer = await http({
      method: 'GET',
      url,
      headers: { accept: 'application/json', ...headers },
      signal,
    });
  } catch (cause) {
    throw unavailable(`does not answer: ${cause instanceof Error ? cause.message : String(cause)}`, cause);
  }
  if (answer.status !== 200) throw unavailable(`answers ${answer.status}: ${answer.body.slice(0, 200)}`);
  try {
    return JSON.parse(answer.body) as unknown;
  } catch (cause) {
    throw unavailable('answers something that is no JSON', cause);
  }
}

/** A part of a JSON value that may be of any shape. */
export function partOf(value: unknown, ...path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (inner, name) =>
      typeof inner === 'object' && inner !== null ? (inner as Record<string, unknown>)[name] : undefined,
    value,
  );
}

/** A text in a JSON value; empty when there is none. */
export function textOf(value: unknown, ...path: readonly string[]): string {
  const found = partOf(value, ...path);
  return typeof found === 'string' ? found : '';
}
