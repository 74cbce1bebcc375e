import type { Timers } from '../runtime/ports.js';
import type { Tracer } from '../telemetry/tracer.js';
import { type DocumentBatch, type DocumentChange, type Documents, requireSound } from './documents.js';
import { redisCalls } from './redis-calls.js';
import type { Redis } from './redis-connection.js';
import { StoreConflict } from './store.js';
import { keyReused } from './store-errors.js';

/** What documents in Redis are opened with. */
export interface RedisDocumentsOptions {
  /** A connection for commands; the caller closes it. */
  readonly redis: Redis;
  /** Whose documents they are: part of each key. */
  readonly service: string;
  readonly timers: Timers;
  readonly tracer?: Tracer | undefined;
}

const dayMs = 86_400_000;
/** How long a message is known as handled, and a command's answer is kept: longer than anything is repeated. */
const rememberedMs = { inbox: 7 * dayMs, command: 7 * dayMs };

/** The script's arguments before those of the documents. */
const headLength = 8;
const argumentsEach = 4;

/**
 * Writes a batch: first every condition is checked, then all is written. Redis runs a script alone, and its append-only
 * file holds the writes of one script as one transaction.
 * KEYS: the inbox key, the command's key, then the documents. ARGV: see `commitArguments`.
 * Answers `ok`, `inbox`, `command`, or the position (from 1) of the document whose version is another.
 */
const commitScript = `
if ARGV[1] == '1' and redis.call('EXISTS', KEYS[1]) == 1 then return 'inbox' end
if ARGV[3] == '1' and redis.call('EXISTS', KEYS[2]) == 1 then return 'command' end
for i = 1, #KEYS - 2 do
  local at = ${headLength} + (i - 1) * ${argumentsEach}
  if (redis.call('HGET', KEYS[i + 2], 'v') or '0') ~= ARGV[at + 1] then return tostring(i) end
end
if ARGV[1] == '1' then redis.call('SET', KEYS[1], '1', 'PX', ARGV[2]) end
if ARGV[3] == '1' then
  redis.call('HSET', KEYS[2], 'hash', ARGV[5])
  if ARGV[6] == '1' then redis.call('HSET', KEYS[2], 'response', ARGV[7]) end
  if ARGV[8] ~= '' then redis.call('HSET', KEYS[2], 'reference', ARGV[8]) end
  redis.call('PEXPIRE', KEYS[2], ARGV[4])
end
for i = 1, #KEYS - 2 do
  local at, key = ${headLength} + (i - 1) * ${argumentsEach}, KEYS[i + 2]
  if ARGV[at + 2] == '' then
    redis.call('DEL', key)
  else
    redis.call('HSET', key, 'v', ARGV[at + 2], 'd', ARGV[at + 3])
    if ARGV[at + 4] == '' then redis.call('PERSIST', key) else redis.call('PEXPIRE', key, ARGV[at + 4]) end
  end
end
return 'ok'`;

interface CommitCommand {
  meshmartCommitDocuments(keys: number, ...rest: (string | number | Buffer)[]): Promise<string>;
}

/**
 * Documents in Redis, for several instances of a service. All keys of a service share a hash tag, so that a cluster
 * keeps them in one place and a batch can change several.
 */
export function openRedisDocuments(options: RedisDocumentsOptions): Documents {
  const { redis, service, timers, tracer } = options;
  const run = redisCalls({
    redis,
    timers,
    what: `the documents of ${service}`,
    namespace: service,
    tracer,
  });
  // The driver sends the script's digest, and the text when Redis does not know it (after a restart).
  redis.defineCommand('meshmartCommitDocuments', { lua: commitScript });
  const scripted = redis as unknown as CommitCommand;
  const keys = keysOf(service);

  return {
    load: (key, trace) =>
      run('load', trace, async () => {
        const [version, data] = await redis.hmgetBuffer(keys.document(key), 'v', 'd');
        if (version == null || data == null) return undefined;
        return { version: Number(version.toString()), data: new Uint8Array(data) };
      }),

    findCommand: (command, trace) =>
      run('find command', trace, async () => {
        const fields = await redis.hmgetBuffer(keys.command(command), 'hash', 'response', 'reference');
        const [hash, response, reference] = fields;
        if (hash == null) return undefined;
        if (Buffer.compare(hash, command.requestHash) !== 0) throw keyReused(command.key);
        return {
          ...command,
          response: response == null ? null : new Uint8Array(response),
          ...(reference == null ? {} : { reference: reference.toString() }),
        };
      }),

    inboxHas: (consumer, messageId) =>
      run('inbox', undefined, async () => (await redis.exists(keys.inbox({ consumer, messageId }))) === 1),

    commit: async (batch) => {
      requireSound(batch);
      const { inbox, command, changes } = batch;
      const touched = [
        inbox === undefined ? keys.nothing : keys.inbox(inbox),
        command === undefined ? keys.nothing : keys.command(command),
        ...changes.map(({ key }) => keys.document(key)),
      ];
      const outcome = await run('commit', batch.trace, () =>
        scripted.meshmartCommitDocuments(touched.length, ...touched, ...commitArguments(batch)),
      );
      if (outcome === 'ok') return;
      if (outcome === 'inbox') throw new StoreConflict('inbox', inbox?.messageId ?? '');
      if (outcome === 'command') throw new StoreConflict('command', command?.key ?? '');
      throw new StoreConflict('version', changes[Number(outcome) - 1]?.key ?? '');
    },

    probe: () =>
      run('probe', undefined, async () => {
        await redis.set(keys.probe, '1', 'PX', 60_000);
      }),
  };
}

function commitArguments({ inbox, command, changes }: DocumentBatch): (string | Buffer)[] {
  return [
    inbox === undefined ? '0' : '1',
    String(rememberedMs.inbox),
    command === undefined ? '0' : '1',
    String(rememberedMs.command),
    Buffer.from(command?.requestHash ?? []),
    command?.response == null ? '0' : '1',
    Buffer.from(command?.response ?? []),
    command?.reference ?? '',
    ...changes.flatMap(changeArguments),
  ];
}

function changeArguments({ expectedVersion, data, expiresAfterMs }: DocumentChange): (string | Buffer)[] {
  return [
    String(expectedVersion),
    data === null ? '' : String(expectedVersion + 1),
    Buffer.from(data ?? []),
    expiresAfterMs === undefined ? '' : String(expiresAfterMs),
  ];
}

function keysOf(service: string) {
  const prefix = `meshmart:{${service}}`;
  // Encoded, so that no part of a name can pass for the border between two.
  const joined = (...parts: string[]) => parts.map(encodeURIComponent).join(':');
  return {
    nothing: `${prefix}:nothing`,
    probe: `${prefix}:probe`,
    document: (key: string) => `${prefix}:document:${key}`,
    inbox: ({ consumer, messageId }: NonNullable<DocumentBatch['inbox']>) =>
      `${prefix}:inbox:${joined(consumer, messageId)}`,
    command: ({ scope, key }: { readonly scope: string; readonly key: string }) =>
      `${prefix}:command:${joined(scope, key)}`,
  };
}
