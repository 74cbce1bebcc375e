import type { Redis } from '../store/redis-connection.js';
import type { BusMessage, DeadLetter } from './bus.js';
import type { Placed } from './keyed-delivery.js';

/** Where a message stands: stream and entry id, `mesh:bus:order 1767225600000-0`. */
export type StreamPosition = string;

const prefix = 'meshmart:bus';
export const streamOf = (topic: string) => `${prefix}:topic:${topic}`;
/** Dead letters that were replayed wait here for their group. */
export const replayStreamOf = (group: string) => `${prefix}:replay:${group}`;
export const deadStreamOf = (group: string) => `${prefix}:dead:${group}`;
/** The topics that a group wants, for whoever asks how far it is. */
export const topicsKeyOf = (group: string) => `${prefix}:topics:${group}`;
export const leaseKeyOf = (group: string) => `${prefix}:lease:${group}`;

/** How long the id of a message is remembered, so that publishing it again does nothing. In milliseconds. */
const rememberedMs = 600_000;

/** Appends messages to their streams, each id once. KEYS: for each message its stream and its id's key. */
const appendScript = `
local fields = 6
for i = 1, #KEYS / 2 do
  local first = (i - 1) * fields
  if redis.call('SET', KEYS[i * 2], '1', 'NX', 'PX', ${rememberedMs}) then
    redis.call('XADD', KEYS[i * 2 - 1], '*', 'id', ARGV[first + 1], 'type', ARGV[first + 2], 'key', ARGV[first + 3],
      'data', ARGV[first + 4], 'at', ARGV[first + 5], 'trace', ARGV[first + 6])
  end
end
return 1`;

/** Publishes all messages in one step: a crash leaves all or none. */
export async function append(redis: Redis, messages: readonly BusMessage[]): Promise<void> {
  if (messages.length === 0) return;
  const keys = messages.flatMap(({ topic, id }) => [streamOf(topic), `${prefix}:seen:${id}`]);
  const values = messages.flatMap((message) => [
    message.id,
    message.type,
    message.key,
    Buffer.from(message.data),
    String(message.occurredAtMs),
    message.traceparent ?? '',
  ]);
  await redis.eval(appendScript, keys.length, ...keys, ...values);
}

/** An entry as ioredis gives it: id, then fields and values in turn. */
export type RawEntry = readonly [Buffer, readonly Buffer[] | null];

/** Reads an entry of a topic's stream; undefined for one that is no message of ours. */
export function messageIn(
  topic: string,
  stream: string,
  [id, fields]: RawEntry,
): Placed<StreamPosition> | undefined {
  if (fields === null) return undefined;
  const named = new Map<string, Buffer>();
  for (let at = 0; at + 1 < fields.length; at += 2) named.set(String(fields[at]), fields[at + 1] as Buffer);
  const text = (name: string) => named.get(name)?.toString() ?? '';
  const data = named.get('data');
  const occurredAtMs = Number(text('at'));
  if (text('id') === '' || text('type') === '' || data === undefined || !Number.isSafeInteger(occurredAtMs)) {
    return undefined;
  }
  return {
    position: `${stream} ${id.toString()}`,
    message: {
      id: text('id'),
      topic: text('topic') || topic,
      type: text('type'),
      key: text('key'),
      data: new Uint8Array(data),
      occurredAtMs,
      traceparent: text('trace') || undefined,
    },
  };
}

/** Splits a position into the stream and the entry's id. */
export function placeOf(position: StreamPosition): { readonly stream: string; readonly id: string } {
  const [stream = '', id = ''] = position.split(' ');
  return { stream, id };
}

/** Moves a message to the group's dead letters, in one step. */
export async function bury(
  redis: Redis,
  group: string,
  { position, message }: Placed<StreamPosition>,
  letter: Omit<DeadLetter, 'group' | 'message'>,
): Promise<void> {
  const { stream, id } = placeOf(position);
  const outcome = await redis
    .multi()
    .xadd(
      deadStreamOf(group),
      '*',
      ...fieldsOf(message),
      'attempts',
      String(letter.attempts),
      'error',
      letter.lastError,
      'failed',
      String(letter.failedAtMs),
    )
    .xack(stream, group, id)
    .exec();
  const failed = outcome?.find(([error]) => error !== null);
  if (outcome === null || failed !== undefined)
    throw failed?.[0] ?? new Error('the transaction was not carried out');
}

function fieldsOf(message: BusMessage): (string | Buffer)[] {
  return [
    'id',
    message.id,
    'topic',
    message.topic,
    'type',
    message.type,
    'key',
    message.key,
    'data',
    Buffer.from(message.data),
    'at',
    String(message.occurredAtMs),
    'trace',
    message.traceparent ?? '',
  ];
}

/** A group's dead letters with their entry ids, oldest first. */
export async function deadLetters(
  redis: Redis,
  group: string,
  limit: number,
): Promise<(DeadLetter & { readonly entryId: string })[]> {
  const stream = deadStreamOf(group);
  const entries = (await redis.xrangeBuffer(stream, '-', '+', 'COUNT', limit)) as unknown as RawEntry[];
  return entries.flatMap((entry) => {
    const placed = messageIn('', stream, entry);
    if (placed === undefined) return [];
    const fields = entry[1] ?? [];
    const value = (name: string) =>
      fields[fields.findIndex((field) => String(field) === name) + 1]?.toString() ?? '';
    return [
      {
        group,
        message: placed.message,
        attempts: Number(value('attempts')),
        lastError: value('error'),
        failedAtMs: Number(value('failed')),
        entryId: entry[0].toString(),
      },
    ];
  });
}

/**
 * Moves a dead letter back, once however many ask for it: KEYS are its stream and the group's replays, ARGV its entry id
 * and its fields. It is added before it is deleted, so that a Redis without memory for it keeps it.
 */
const reviveScript = `
if #redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1]) == 0 then return 0 end
redis.call('XADD', KEYS[2], '*', unpack(ARGV, 2))
redis.call('XDEL', KEYS[1], ARGV[1])
return 1`;

/** Makes a dead letter deliverable again; false when there is none. */
export async function revive(redis: Redis, group: string, messageId: string): Promise<boolean> {
  const all = await deadLetters(redis, group, 10_000);
  const letter = all.find(({ message }) => message.id === messageId);
  if (letter === undefined) return false;
  const keys = [deadStreamOf(group), replayStreamOf(group)];
  const moved = await redis.eval(
    reviveScript,
    keys.length,
    ...keys,
    letter.entryId,
    ...fieldsOf(letter.message),
  );
  return moved === 1;
}
