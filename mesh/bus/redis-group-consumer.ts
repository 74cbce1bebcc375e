import type { Ambient, Log } from '../runtime/ports.js';
import type { Redis } from '../store/redis-connection.js';
import type { RedeliveryPolicy, Subscription } from './bus.js';
import { startKeyedDelivery } from './keyed-delivery.js';
import {
  bury,
  leaseKeyOf,
  messageIn,
  placeOf,
  type RawEntry,
  replayStreamOf,
  type StreamPosition,
  streamOf,
  topicsKeyOf,
} from './redis-streams-log.js';

/** What a consumer of a group works with. */
export interface RedisGroupConsumerOptions {
  /** For commands that answer at once. */
  readonly redis: Redis;
  /** For reads that wait in Redis; its own, and ended with the consumer. */
  readonly blocking: Redis;
  /** Unique among all processes. */
  readonly consumer: string;
  readonly subscription: Subscription;
  readonly ambient: Ambient;
  readonly log: Log;
  readonly redelivery: RedeliveryPolicy;
}

/** Messages that are read ahead of their delivery. */
const readAhead = 256;
/** A read waits in Redis for so long, in milliseconds. */
export const blockMs = 500;
const timing = {
  /** The one process that delivers to a group renews its lease this often, and loses it after so long. */
  renewMs: 500,
  leaseMs: 2_000,
  /** Pause when Redis is away. */
  retryMs: 200,
};

/** Renews the lease if it is still ours, or takes it if it is free. */
const leaseScript = `
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1`;
const releaseScript = `if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0`;

/**
 * Delivers the messages of one group from Redis Streams. Of all processes that subscribe to a group one delivers at a
 * time, the one that holds the lease: the order of a key's messages would be lost otherwise. The others stand by and take
 * over, with what the dead one had not acknowledged, when the lease runs out.
 */
export function startRedisGroupConsumer(options: RedisGroupConsumerOptions): { stop(): Promise<void> } {
  const { redis, blocking, consumer, subscription, ambient, log } = options;
  const { group } = subscription;
  const topicOfStream = new Map(Object.keys(subscription.topics).map((topic) => [streamOf(topic), topic]));
  const streams = [...topicOfStream.keys(), replayStreamOf(group)];
  const stopping = new AbortController();
  const held = new Map<string, string[]>();

  const delivery = startKeyedDelivery<StreamPosition>({
    subscription,
    ambient,
    logger: log,
    redelivery: options.redelivery,
    acknowledge: (position) => {
      const { stream, id } = placeOf(position);
      held.set(stream, [...(held.get(stream) ?? []), id]);
      if (held.size === 1 && held.get(stream)?.length === 1) delivery.later(0, () => void flush());
    },
    bury: (placed, letter) => bury(redis, group, placed, letter),
  });

  /** Acknowledgements of one turn of the event loop leave together; one that is lost is only a redelivery. */
  const flush = async (): Promise<void> => {
    const batch = [...held];
    held.clear();
    for (const [stream, ids] of batch) {
      try {
        await redis.xack(stream, group, ...ids);
      } catch (error) {
        log.warn({ group, error: String(error) }, 'events handled could not be noted: they may come again');
        held.set(stream, [...ids, ...(held.get(stream) ?? [])]);
      }
    }
    if (held.size > 0 && !stopping.signal.aborted) delivery.later(timing.retryMs, () => void flush());
  };

  const take = (stream: string, entries: readonly RawEntry[]) => {
    const placed = entries.flatMap((entry) => {
      const found = messageIn(topicOfStream.get(stream) ?? '', stream, entry);
      if (found === undefined) {
        // Nobody can handle it, now or later.
        log.error({ group, stream, entry: entry[0].toString() }, 'an entry is no event and is passed over');
        void redis.xack(stream, group, entry[0]).catch(() => undefined);
        return [];
      }
      return [found];
    });
    delivery.take(placed);
  };

  const createGroups = async () => {
    const topics = Object.keys(subscription.topics);
    await redis
      .multi()
      .del(topicsKeyOf(group))
      .sadd(topicsKeyOf(group), ...topics)
      .exec();
    for (const stream of streams) {
      try {
        // From the start: what was published before the group was known is wanted too.
        await redis.xgroup('CREATE', stream, group, '0', 'MKSTREAM');
      } catch (error) {
        if (!String(error).includes('BUSYGROUP')) throw error;
      }
    }
  };

  /** What another process, or this one before it lost the lease, was given and did not acknowledge. */
  const claimLeftovers = async () => {
    for (const stream of streams) {
      let cursor = '0-0';
      do {
        const [next, entries] = (await redis.callBuffer(
          'XAUTOCLAIM',
          stream,
          group,
          consumer,
          '0',
          cursor,
          'COUNT',
          '100',
        )) as [Buffer, RawEntry[]];
        take(stream, entries);
        cursor = next.toString();
      } while (cursor !== '0-0' && !stopping.signal.aborted);
    }
  };

  const readNew = async () => {
    const answer = (await blocking.xreadgroupBuffer(
      'GROUP',
      group,
      consumer,
      'COUNT',
      100,
      'BLOCK',
      blockMs,
      'STREAMS',
      ...streams,
      ...streams.map(() => '>'),
    )) as [Buffer, RawEntry[]][] | null;
    for (const [stream, entries] of answer ?? []) take(stream.toString(), entries);
  };

  const pause = (ms: number) => ambient.timers.sleep(ms, stopping.signal).catch(() => undefined);
  const holdsLease = async () =>
    (await redis.eval(leaseScript, 1, leaseKeyOf(group), consumer, timing.leaseMs)) === 1;

  const loop = (async () => {
    let active = false;
    let renewedMs = Number.NEGATIVE_INFINITY;
    while (!stopping.signal.aborted) {
      try {
        if (ambient.clock.monotonicMs() - renewedMs >= timing.renewMs) {
          const mine = await holdsLease();
          renewedMs = ambient.clock.monotonicMs();
          if (mine && !active) {
            await createGroups();
            await claimLeftovers();
          }
          active = mine;
        }
        if (!active) await pause(timing.renewMs);
        else if (blocking.status !== 'ready' || delivery.queued() >= readAhead) await pause(20);
        else await readNew();
      } catch (error) {
        if (stopping.signal.aborted) return;
        // NOGROUP: the stream was deleted. The groups are made again when the lease is taken anew.
        active = false;
        renewedMs = Number.NEGATIVE_INFINITY;
        // A read that was given up may still be on its way to Redis. It ends here, before what it took is claimed.
        blocking.disconnect(true);
        log.warn({ group, error: String(error) }, 'events could not be read: it is tried again');
        await pause(timing.retryMs);
      }
    }
  })();

  return {
    stop: async () => {
      stopping.abort();
      const delivered = delivery.stop();
      blocking.disconnect();
      await Promise.all([loop, delivered]);
      await flush();
      await redis.eval(releaseScript, 1, leaseKeyOf(group), consumer).catch(() => undefined);
    },
  };
}
