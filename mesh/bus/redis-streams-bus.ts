import { MeshError } from '../contract/error.js';
import type { Ambient, Log } from '../runtime/ports.js';
import type { Redis } from '../store/redis-connection.js';
import { openRedis, type RedisAccess, redisUnavailable } from '../store/redis-connection.js';
import { type Bus, defaultRedelivery, type RedeliveryPolicy } from './bus.js';
import { blockMs, startRedisGroupConsumer } from './redis-group-consumer.js';
import {
  append,
  deadLetters,
  deadStreamOf,
  replayStreamOf,
  revive,
  streamOf,
  topicsKeyOf,
} from './redis-streams-log.js';

/** What the bus on Redis Streams is opened with. */
export interface RedisStreamsBusOptions extends Omit<RedisAccess, 'name'> {
  /** Unique among all processes, such as `order-1.2`: the name of the consumer. */
  readonly consumer: string;
  /**
   * All groups that shall ever hear of a topic, by topic. Nothing is cut off a stream before each of them has begun: one
   * that starts late still gets everything.
   */
  readonly groupsOf: (topic: string) => readonly string[];
  readonly ambient: Ambient;
  readonly log: Log;
  readonly redelivery?: Partial<RedeliveryPolicy>;
  /** How often entries that every group has handled are cut off, in milliseconds. Default 10000. */
  readonly trimEveryMs?: number;
}

/**
 * The bus for several processes: a stream a topic, a consumer group a subscribing service. Redis need not be there when
 * it is opened.
 * @throws StartupError for a wrong URL, or a password file that can't be read.
 */
export function openRedisStreamsBus(options: RedisStreamsBusOptions): Bus {
  const { ambient, log, consumer, trimEveryMs = 10_000 } = options;
  const redis = openRedis({ ...options, name: `bus:${consumer}` });
  const groups = new Map<string, { stop(): Promise<void> }>();
  const guarded = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (cause) {
      throw redisUnavailable(cause, 'the bus');
    }
  };
  /** What was published here: a service cuts off its own stream, and may not touch those that it hears. */
  const published = new Set<string>();
  let open = true;
  const trimLater = (): (() => void) =>
    ambient.timers.after(trimEveryMs, () => {
      Promise.all([...published].map((topic) => trim(redis, streamOf(topic), options.groupsOf(topic))))
        .catch((error: unknown) => log.debug({ error: String(error) }, 'handled events could not be cut off'))
        .finally(() => {
          if (open) cancelTrim = trimLater();
        });
    });
  let cancelTrim = trimLater();

  return {
    publish: (messages) => {
      for (const { topic } of messages) published.add(topic);
      return guarded(() => append(redis, messages));
    },
    subscribe: async (subscription) => {
      const { group } = subscription;
      if (groups.has(group)) throw new Error(`group ${group} is subscribed already`);
      const running = startRedisGroupConsumer({
        redis,
        blocking: openRedis({ ...options, name: `bus:${consumer}:${group}` }, blockMs),
        consumer,
        subscription,
        ambient,
        log,
        redelivery: { ...defaultRedelivery, ...options.redelivery },
      });
      groups.set(group, running);
      return async () => {
        await running.stop();
        groups.delete(group);
      };
    },
    deadLetters: (group, limit) =>
      guarded(async () =>
        (await deadLetters(redis, group, limit)).map(({ entryId: _, ...letter }) => letter),
      ),
    replay: async (group, messageId) => {
      if (await guarded(() => revive(redis, group, messageId))) return;
      throw new MeshError({
        code: 'NOT_FOUND',
        reason: 'CONFLICT',
        message: `${group} has no dead letter ${messageId}: list them first`,
      });
    },
    lag: (group) =>
      guarded(async () => {
        const topics = await redis.smembers(topicsKeyOf(group));
        const streams = [...topics.map(streamOf), replayStreamOf(group)];
        const lags = await Promise.all(streams.map((stream) => lagOf(redis, stream, group)));
        return lags.reduce((sum, lag) => sum + lag, 0);
      }),
    probe: () => guarded(async () => void (await redis.set(`${deadStreamOf('probe')}`, '1', 'PX', 1_000))),
    close: async () => {
      open = false;
      cancelTrim();
      await Promise.all([...groups.values()].map((group) => group.stop()));
      groups.clear();
      redis.disconnect();
    },
  };
}

/** What `XINFO GROUPS` says of one group. */
interface GroupInfo {
  readonly name: string;
  readonly pending: number;
  readonly lastDelivered: string;
}

async function groupsOf(redis: Redis, stream: string): Promise<GroupInfo[]> {
  const answer = (await redis.xinfo('GROUPS', stream).catch((error: unknown) => {
    if (String(error).includes('no such key')) return [];
    throw error;
  })) as unknown[][];
  return answer.map((fields) => {
    const value = (name: string) => fields[fields.indexOf(name) + 1];
    return {
      name: String(value('name')),
      pending: Number(value('pending')),
      lastDelivered: String(value('last-delivered-id')),
    };
  });
}

/** Entries that were given to the group and not acknowledged, and entries that it was not given. */
async function lagOf(redis: Redis, stream: string, group: string): Promise<number> {
  const info = (await groupsOf(redis, stream)).find(({ name }) => name === group);
  if (info === undefined) return redis.xlen(stream);
  const waiting = await redis.xrange(stream, `(${info.lastDelivered}`, '+', 'COUNT', 10_000);
  return info.pending + waiting.length;
}

/** Cuts off what every group has acknowledged; never what one of them still needs. */
async function trim(redis: Redis, stream: string, wanted: readonly string[]): Promise<void> {
  const groups = await groupsOf(redis, stream);
  if (groups.length === 0 || wanted.some((group) => !groups.some(({ name }) => name === group))) return;
  const needed = await Promise.all(
    groups.map(async ({ name, pending, lastDelivered }) => {
      if (pending === 0) return lastDelivered;
      const [, oldest] = (await redis.xpending(stream, name)) as [number, string | null];
      return oldest ?? lastDelivered;
    }),
  );
  const [least] = needed.sort(byEntryId);
  if (least !== undefined && least !== '0-0') await redis.xtrim(stream, 'MINID', '~', least);
}

function byEntryId(left: string, right: string): number {
  const [leftMs = '0', leftSequence = '0'] = left.split('-');
  const [rightMs = '0', rightSequence = '0'] = right.split('-');
  const difference = BigInt(leftMs) - BigInt(rightMs) || BigInt(leftSequence) - BigInt(rightSequence);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}
