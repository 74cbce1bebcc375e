import type { JsonValue } from '@bufbuild/protobuf';
import { MeshError } from '../contract/error.js';
import { redactText } from '../telemetry/redact.js';
import { parseTraceparent } from '../telemetry/trace-context.js';
import type { Bus, DeadLetter } from './bus.js';

/** A dead letter as a list shows it. Texts have no card numbers or tokens in them. */
export interface DeadLetterSummary {
  /** The consuming service that gave the message up. */
  readonly group: string;
  /** The message's id; with the group it names the dead letter. */
  readonly id: string;
  readonly topic: string;
  /** Full proto name. */
  readonly type: string;
  readonly key: string;
  readonly attempts: number;
  readonly lastError: string;
  readonly occurredAtMs: number;
  readonly failedAtMs: number;
  /** The trace of whoever published it, for `meshmart trace`; null when it was not traced. */
  readonly traceId: string | null;
}

/** A dead letter with what is in it. */
export interface ShownDeadLetter extends DeadLetterSummary {
  /** The message by its contract, secrets masked; null when it can't be read. */
  readonly message: JsonValue;
  /** Why it can't be read; null when it can. What it holds is then not shown: nobody knows where its secrets are. */
  readonly unreadable: string | null;
  /** Length of the message. */
  readonly bytes: number;
}

/** The dead letters of some groups, for those who run the shop. */
export interface DeadLetterQueues {
  /** How many each group has, at most {@link mostListed}; a group that can't be asked is left out. */
  counts(): Promise<Readonly<Record<string, number>>>;
  /**
   * Those of one group or of all, oldest first within a group, at most {@link mostListed} a group.
   * @throws MeshError NOT_FOUND for a group that does not consume events; UNAVAILABLE.
   */
  list(group?: string): Promise<readonly DeadLetterSummary[]>;
  /** @throws MeshError NOT_FOUND, UNAVAILABLE */
  show(group: string, id: string): Promise<ShownDeadLetter>;
  /** Delivers it again; when that fails as often as before, it is a dead letter again. @throws MeshError NOT_FOUND, UNAVAILABLE */
  replay(group: string, id: string): Promise<void>;
}

/** How many of a group's dead letters are looked at. */
export const mostListed = 1_000;

/** What dead letters are read with. */
export interface DeadLetterQueuesOptions {
  readonly bus: Pick<Bus, 'deadLetters' | 'replay'>;
  readonly groups: readonly string[];
  /** Message to JSON, secrets masked. Throws what it can't read. */
  readonly toJson: (type: string, data: Uint8Array) => JsonValue;
}

/** Reads the dead letters of a bus, whichever it is. */
export function deadLetterQueues({ bus, groups, toJson }: DeadLetterQueuesOptions): DeadLetterQueues {
  const lettersOf = (group: string) => {
    if (!groups.includes(group)) throw unknownGroup(group, groups);
    return bus.deadLetters(group, mostListed);
  };
  return {
    counts: async () => {
      const counted = await Promise.allSettled(
        groups.map(async (group) => [group, (await lettersOf(group)).length] as const),
      );
      return Object.fromEntries(counted.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : [])));
    },
    list: async (group) => {
      const found = await Promise.all((group === undefined ? groups : [group]).map(lettersOf));
      return found.flat().map(summaryOf);
    },
    show: async (group, id) => {
      const letter = (await lettersOf(group)).find(({ message }) => message.id === id);
      if (letter === undefined) throw unknownLetter(group, id);
      const { type, data } = letter.message;
      const read = () => {
        try {
          return { message: toJson(type, data), unreadable: null };
        } catch (error) {
          return { message: null, unreadable: redactText((error as Error).message) };
        }
      };
      return { ...summaryOf(letter), bytes: data.byteLength, ...read() };
    },
    replay: async (group, id) => {
      if (!groups.includes(group)) throw unknownGroup(group, groups);
      await bus.replay(group, id);
    },
  };
}

/** There is no such group among those that can be asked. */
export function unknownGroup(group: string, groups: readonly string[]): MeshError {
  return new MeshError({
    code: 'NOT_FOUND',
    reason: 'CONFLICT',
    message: `no service '${redactText(group)}' consumes events: use one of ${groups.join(', ')}`,
  });
}

function unknownLetter(group: string, id: string): MeshError {
  return new MeshError({
    code: 'NOT_FOUND',
    reason: 'CONFLICT',
    message: `${group} has no dead letter ${redactText(id)}: list them first`,
  });
}

function summaryOf({ group, message, attempts, lastError, failedAtMs }: DeadLetter): DeadLetterSummary {
  return {
    group,
    id: message.id,
    topic: message.topic,
    type: message.type,
    key: message.key,
    attempts,
    lastError: redactText(lastError),
    occurredAtMs: message.occurredAtMs,
    failedAtMs,
    traceId: parseTraceparent(message.traceparent)?.traceId ?? null,
  };
}
