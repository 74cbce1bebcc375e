import {
  type DeadLetterQueues,
  type DeadLetterSummary,
  type ShownDeadLetter,
  unknownGroup,
} from '../../bus/dead-letter-queues.js';
import { MeshError } from '../../contract/error.js';
import { deadLetterPaths } from '../dead-letter-pages.js';

/** How the instances of a mesh are asked. */
export interface FleetDeadLettersOptions {
  /** Services that consume events. */
  readonly groups: readonly string[];
  /** Admin ports of the instances of a service that run now. */
  readonly adminUrlsOf: (group: string) => readonly string[];
  /** See {@link import('../admin-access.js').readAdminToken}. */
  readonly token: string;
  readonly fetch: typeof globalThis.fetch;
}

/** How long one instance may take to answer before the next is asked. */
const answerWithinMs = 1_500;
/** How long `status` waits for the numbers of a group. One that hangs must not hold up the rest of the report. */
const countWithinMs = 500;

interface Problem {
  readonly title?: string;
  readonly detail?: string;
}

/**
 * Reads and replays dead letters through the admin ports of the instances: the bus is theirs. Any instance of the group's
 * service will do. A replay whose answer was lost is asked of the next, to which it may be NOT_FOUND: it was replayed.
 */
export function createFleetDeadLetters(options: FleetDeadLettersOptions): DeadLetterQueues {
  const { groups, adminUrlsOf, token, fetch } = options;

  const ask = async <T>(
    group: string,
    path: string,
    { id, signal }: { readonly id?: string; readonly signal?: AbortSignal } = {},
  ): Promise<T> => {
    if (!groups.includes(group)) throw unknownGroup(group, groups);
    const query = new URLSearchParams({ group, ...(id === undefined ? {} : { id }) });
    let answered: Problem | undefined;
    for (const adminUrl of adminUrlsOf(group)) {
      let response: Response;
      let body: unknown;
      try {
        response = await fetch(new URL(`${path}?${query}`, adminUrl), {
          method: path === deadLetterPaths.replay ? 'POST' : 'GET',
          headers: { authorization: `Bearer ${token}` },
          signal: signal ?? AbortSignal.timeout(answerWithinMs),
        });
        body = await response.json();
      } catch {
        continue;
      }
      if (response.ok) return body as T;
      answered = body as Problem;
      if (response.status === 404)
        throw new MeshError({ code: 'NOT_FOUND', reason: 'CONFLICT', message: messageOf(answered) });
    }
    throw new MeshError({
      code: 'UNAVAILABLE',
      reason: 'UNAVAILABLE',
      message:
        answered === undefined
          ? `no instance of ${group} answers: look at meshmart status`
          : messageOf(answered),
    });
  };
  const list = async (group: string, signal?: AbortSignal) => {
    const path = deadLetterPaths.list;
    return (
      await ask<{ deadLetters: DeadLetterSummary[] }>(group, path, signal === undefined ? {} : { signal })
    ).deadLetters;
  };

  return {
    counts: async () => {
      const signal = AbortSignal.timeout(countWithinMs);
      const counted = await Promise.allSettled(
        groups.map(async (group) => [group, (await list(group, signal)).length] as const),
      );
      return Object.fromEntries(counted.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : [])));
    },
    list: async (group) =>
      (await Promise.all((group === undefined ? groups : [group]).map((one) => list(one)))).flat(),
    show: (group, id) => ask<ShownDeadLetter>(group, deadLetterPaths.show, { id }),
    replay: async (group, id) => {
      await ask(group, deadLetterPaths.replay, { id });
    },
  };
}

function messageOf({ title, detail }: Problem): string {
  return [title ?? 'the instance answered with an error', detail ?? 'look at its log'].join(': ');
}
