import { existsSync, readFileSync } from 'node:fs';
import { Redis } from 'ioredis';
import { MeshError } from '../contract/error.js';
import type { Log } from '../runtime/ports.js';
import { decodedPart } from '../runtime/setting.js';
import { StartupError } from '../runtime/startup-error.js';

export type { Redis } from 'ioredis';

/** How Redis is reached. */
export interface RedisAccess {
  /** As in REDIS_URL: `redis://127.0.0.1:6379`, `rediss://` for TLS, with a user if there is one. */
  readonly url: string;
  /** File with the password; it never comes from the environment. */
  readonly passwordFile?: string | undefined;
  /** How the connection names itself in `CLIENT LIST`. */
  readonly name: string;
  readonly log: Log;
}

/**
 * Longest wait for an answer, in milliseconds: less than what callers grant. It is also what ends a command whose
 * connection broke: ioredis 6 drops those that it does not send again (readyHandler in redis/event_handler.js), and
 * neither answers nor fails them.
 */
const commandWithinMs = 1_000;

/**
 * Opens a connection. Redis need not be there: commands wait for it up to a second and then fail, and it comes back by
 * itself. A command whose answer was lost is not sent again, because it may have worked.
 * @param blocksMs for a connection whose commands wait in Redis for messages: how long, in milliseconds. While Redis is away
 *   commands on it fail at once.
 * @throws StartupError for a wrong URL, or a password file that can't be read.
 */
export function openRedis(access: RedisAccess, blocksMs = 0): Redis {
  const { log, name } = access;
  const url = urlOf(access.url);
  const user = decodedPart(url.username) ?? '';
  // Beside a user in the URL ioredis takes no password but one in the URL.
  url.username = '';
  const options = {
    connectionName: `meshmart:${name}`,
    connectTimeout: 2_000,
    commandTimeout: commandWithinMs + blocksMs,
    maxRetriesPerRequest: null,
    autoResendUnfulfilledCommands: false,
    // What waits here for Redis is sent when it is back, also when its caller has given it up meanwhile (sendCommand in Redis.js).
    // A read that takes messages for nobody would keep them from everybody.
    enableOfflineQueue: blocksMs === 0,
    enableReadyCheck: true,
    retryStrategy: (attempt: number) => Math.min(500, 20 * 2 ** Math.min(attempt, 6)),
    ...(user === '' ? {} : { username: user }),
    ...(access.passwordFile === undefined ? {} : { password: passwordIn(access.passwordFile) }),
  };
  const redis = new Redis(url.href, options);
  let away = false;
  redis.on('error', (error: Error) => {
    if (!away) log.warn({ redis: access.url, problem: error.message }, 'Redis is away');
    away = true;
  });
  redis.on('ready', () => {
    if (away) log.info({ redis: access.url }, 'Redis is back');
    away = false;
  });
  return redis;
}

function urlOf(text: string): URL {
  try {
    const url = new URL(text);
    if (url.password !== '') {
      throw new StartupError(
        'REDIS_URL holds a password',
        'put it into a file and name that in REDIS_PASSWORD_FILE',
      );
    }
    if (
      ['redis:', 'rediss:'].includes(url.protocol) &&
      url.hostname !== '' &&
      decodedPart(url.username) !== undefined
    )
      return url;
  } catch (error) {
    if (error instanceof StartupError) throw error;
  }
  throw new StartupError(`REDIS_URL is '${text}'`, 'give it as redis://127.0.0.1:6379, or rediss:// for TLS');
}

function passwordIn(file: string): string {
  if (!existsSync(file))
    throw new StartupError(`REDIS_PASSWORD_FILE names ${file}, which is not there`, 'name a file');
  return readFileSync(file, 'utf8').trim();
}

/** What a failure of Redis is to a caller: nothing is known of the command, and it may be tried again later. */
export function redisUnavailable(cause: unknown, what: string): MeshError {
  return new MeshError({
    code: 'UNAVAILABLE',
    reason: 'STORAGE_UNAVAILABLE',
    message: `${what} can't be used now: try again`,
    cause,
  });
}
