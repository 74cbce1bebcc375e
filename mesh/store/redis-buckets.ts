import type { Timers } from '../runtime/ports.js';
import type { Buckets } from './buckets.js';
import { redisCalls } from './redis-calls.js';
import type { Redis } from './redis-connection.js';

/** What buckets in Redis are opened with. */
export interface RedisBucketsOptions {
  /** A connection for commands; the caller closes it. */
  readonly redis: Redis;
  /** Whose buckets they are: part of each key. */
  readonly service: string;
  readonly timers: Timers;
  /** How long an answer may take, in milliseconds. Default 50: the caller has something better to do than to wait. */
  readonly withinMs?: number;
}

/**
 * Takes a token from a bucket that refills steadily (https://en.wikipedia.org/wiki/Token_bucket), by the clock of Redis,
 * so that the clocks of those who ask don't matter. A bucket that would be full again is forgotten.
 * KEYS: the bucket. ARGV: tokens a second, burst. Answers whether there was one, and the milliseconds until there is.
 */
const takeScript = `
local rate, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + tonumber(time[2]) / 1000
local state = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens, at = tonumber(state[1] or burst), tonumber(state[2] or now)
tokens = math.min(burst, tokens + math.max(0, now - at) / 1000 * rate)
local allowed = 0
if tokens >= 1 then
  allowed = 1
  tokens = tokens - 1
end
redis.call('HSET', KEYS[1], 'tokens', string.format('%.9f', tokens), 'at', string.format('%.3f', now))
redis.call('PEXPIRE', KEYS[1], math.max(1, math.ceil((burst - tokens) / rate * 1000)))
if allowed == 1 then return {1, 0} end
return {0, math.ceil((1 - tokens) / rate * 1000)}`;

interface TakeCommand {
  meshmartTakeToken(keys: 1, key: string, rate: string, burst: string): Promise<[number, number]>;
}

/** Token buckets in Redis, for several processes that limit together. They fail at once while there is no connection. */
export function openRedisBuckets(options: RedisBucketsOptions): Buckets {
  const { redis, service, timers, withinMs = 50 } = options;
  const run = redisCalls({
    redis,
    timers,
    what: 'shared rate limits',
    namespace: 'buckets',
    withinMs,
    connectWithinMs: 0,
  });
  redis.defineCommand('meshmartTakeToken', { lua: takeScript });
  const scripted = redis as unknown as TakeCommand;
  return {
    take: (name, { tokensPerSecond, burst }) =>
      run('take token', undefined, async () => {
        const [allowed, retryAfterMs] = await scripted.meshmartTakeToken(
          1,
          `meshmart:bucket:${service}:${name}`,
          String(tokensPerSecond),
          String(burst),
        );
        return { allowed: allowed === 1, retryAfterMs };
      }),
  };
}
