import { once } from 'node:events';
import { MeshError } from '../contract/error.js';
import type { Timers } from '../runtime/ports.js';
import type { TraceContext } from '../telemetry/trace-context.js';
import type { Tracer } from '../telemetry/tracer.js';
import { type Redis, redisUnavailable } from './redis-connection.js';
import { StoreConflict } from './store.js';

/** What pieces of work on Redis are run with. */
export interface RedisCallsOptions {
  readonly redis: Redis;
  readonly timers: Timers;
  /** How errors name what is kept there, such as `the documents of cart`. */
  readonly what: string;
  /** The service, for spans. */
  readonly namespace: string;
  readonly tracer?: Tracer | undefined;
  /** How long a piece of work may take, the wait for the connection included. Default 700 ms: within any deadline. */
  readonly withinMs?: number;
  /** How much of that a connection that is being made may take. Default 300 ms; 0 fails at once. */
  readonly connectWithinMs?: number;
}

/** Runs a piece of work on Redis: bounded, in a span of the trace, its failures turned into errors for callers. */
export type RedisCalls = <T>(
  operation: string,
  trace: TraceContext | undefined,
  work: (redis: Redis) => Promise<T>,
) => Promise<T>;

/**
 * Makes the function that runs work on Redis. While there is no connection nothing is handed to the driver: it would
 * keep it, and carry it out after the caller was told that it failed.
 */
export function redisCalls(options: RedisCallsOptions): RedisCalls {
  const { redis, timers, what, namespace, tracer, withinMs = 700, connectWithinMs = 300 } = options;

  let connecting: Promise<void> | undefined;
  /** One wait for all who wait: a listener each would pile up on the connection. */
  const connection = () => {
    connecting ??= connected(redis, timers, Math.min(connectWithinMs, withinMs)).finally(() => {
      connecting = undefined;
    });
    return connecting;
  };

  const bounded = async <T>(work: (redis: Redis) => Promise<T>): Promise<T> => {
    const ending = new AbortController();
    const expired = timers.sleep(withinMs, ending.signal).then(
      () => Promise.reject(new Error(`Redis does not answer within ${withinMs} ms`)),
      () => new Promise<never>(() => undefined),
    );
    const done = (async () => {
      if (redis.status !== 'ready') await connection();
      return await work(redis);
    })();
    // The one that loses the race may fail later, when nobody listens.
    done.catch(() => undefined);
    expired.catch(() => undefined);
    try {
      return await Promise.race([done, expired]);
    } finally {
      ending.abort();
    }
  };

  return async (operation, trace, work) => {
    const span =
      trace === undefined
        ? undefined
        : tracer?.start({
            name: `redis ${operation}`,
            kind: 'client',
            parent: trace,
            attributes: { 'db.system.name': 'redis', 'db.namespace': namespace },
          });
    try {
      const result = await bounded(work);
      span?.end();
      return result;
    } catch (error) {
      if (error instanceof StoreConflict || MeshError.is(error)) {
        span?.end();
        throw error;
      }
      span?.end('STORAGE_UNAVAILABLE');
      throw redisUnavailable(error, what);
    }
  };
}

async function connected(redis: Redis, timers: Timers, withinMs: number): Promise<void> {
  const ending = new AbortController();
  const cancel = timers.after(withinMs, () => ending.abort());
  try {
    if (withinMs > 0 && redis.status !== 'end') await once(redis, 'ready', { signal: ending.signal });
  } catch {
    // Told below. An attempt to connect that fails ends the wait as well: then Redis is away.
  } finally {
    cancel();
  }
  if (redis.status !== 'ready') throw new Error(`there is no connection to Redis (${redis.status})`);
}
