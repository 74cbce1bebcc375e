import type { IncomingMessage } from 'node:http';
import type { DeadLetterQueues } from '../bus/dead-letter-queues.js';
import { MeshError } from '../contract/error.js';
import { refusalOf } from './admin-access.js';

/** Dead letters behind the admin port. */
export interface DeadLetterSources {
  readonly queues: DeadLetterQueues;
  /** See {@link import('./admin-access.js').readAdminToken}. */
  readonly token: string;
}

/** An answer as JSON. */
export interface Page {
  readonly status: number;
  readonly body: unknown;
  /** For a 405. */
  readonly allow?: string;
}

/** Paths of the pages. */
export const deadLetterPaths = {
  /** GET: `{deadLetters: DeadLetterSummary[]}`, with `?group=` of one group. */
  list: '/dead-letters',
  /** GET `?group=&id=`: `ShownDeadLetter`. */
  show: '/dead-letters/message',
  /** POST `?group=&id=`: `{}`. */
  replay: '/dead-letters/replay',
} as const;

/** Answers a request for `/dead-letters` and what is below it; undefined for any other page. */
export async function deadLetterPage(
  request: IncomingMessage,
  url: URL,
  { queues, token }: DeadLetterSources,
): Promise<Page | undefined> {
  const paths: readonly string[] = Object.values(deadLetterPaths);
  if (!paths.includes(url.pathname)) return undefined;
  const refusal = refusalOf(request, token);
  if (refusal !== undefined) {
    const { status, title, detail } = refusal;
    return { status, body: { title, detail } };
  }
  const allow = url.pathname === deadLetterPaths.replay ? 'POST' : 'GET';
  if (request.method !== allow) {
    return { status: 405, body: { title: `${url.pathname} takes ${allow}` }, allow };
  }
  const group = url.searchParams.get('group') ?? undefined;
  const id = url.searchParams.get('id') ?? undefined;
  try {
    if (url.pathname === deadLetterPaths.list)
      return { status: 200, body: { deadLetters: await queues.list(group) } };
    if (group === undefined || id === undefined)
      return { status: 400, body: { title: `${url.pathname} needs ?group=GROUP&id=ID` } };
    if (url.pathname === deadLetterPaths.show) return { status: 200, body: await queues.show(group, id) };
    await queues.replay(group, id);
    return { status: 200, body: {} };
  } catch (error) {
    if (!MeshError.is(error)) throw error;
    return { status: statuses[error.code] ?? 500, body: problemOf(error.message) };
  }
}

/** A message says what was wrong, and after the last colon what to do. */
function problemOf(message: string): { title: string; detail?: string } {
  const colon = message.lastIndexOf(': ');
  return colon < 0
    ? { title: message }
    : { title: message.slice(0, colon), detail: message.slice(colon + 2) };
}

const statuses: Readonly<Record<string, number>> = {
  NOT_FOUND: 404,
  UNAVAILABLE: 503,
  DEADLINE_EXCEEDED: 504,
};
