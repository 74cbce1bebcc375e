import type { Consumer, EachBatchPayload, Kafka } from 'kafkajs';
import type { Ambient, Log } from '../runtime/ports.js';
import { bounded } from './bounded.js';
import type { BusMessage, RedeliveryPolicy, Subscription } from './bus.js';
import type { KafkaAdmin } from './kafka-admin.js';
import { recordHeaders } from './kafka-topics.js';
import { type Placed, startKeyedDelivery } from './keyed-delivery.js';
import { type LetterNote, messageFrom } from './message-headers.js';
import { offsetCommits } from './offset-commits.js';
import { createOffsetLedger, type OffsetLedger } from './offset-ledger.js';

/** What a consumer of a group works with. */
export interface KafkaGroupConsumerOptions {
  readonly kafka: Kafka;
  readonly admin: KafkaAdmin;
  readonly groupId: string;
  /** Kafka's names of all topics that the group reads. */
  readonly topics: readonly string[];
  readonly subscription: Subscription;
  readonly ambient: Ambient;
  readonly log: Log;
  readonly redelivery: RedeliveryPolicy;
  /** Makes sure that the topics are there. */
  prepare(): Promise<void>;
  /** Puts a message among the group's dead letters. */
  bury(message: BusMessage, note: LetterNote): Promise<void>;
}

export interface KafkaGroupConsumer {
  /** Resolves when what was handled is committed, if this process has partitions. */
  flush(): Promise<void>;
  stop(): Promise<void>;
}

/** Messages that are read ahead of their delivery. */
const readAhead = 256;
/** How far apart the first offset that is not dealt with and the last that was read may be: it all fits into one commit. */
const widestWindow = 8_192;
/** In milliseconds. A process that is gone loses its partitions after `session`. */
const timing = {
  session: 6_000,
  rebalance: 10_000,
  heartbeat: 1_000,
  wait: 200,
  retry: 200,
  end: 5_000,
};

/** Where a message stands: `meshmart.topic.order 3 1207`. */
type RecordPosition = `${string} ${number} ${number}`;
/** `meshmart.topic.order 3` */
type PartitionName = `${string} ${number}`;

/**
 * Delivers the messages of one group from Kafka. The processes of a group share the partitions; the messages of a key are
 * in one partition. Offsets are committed when what is before them is dealt with.
 */
export function startKafkaGroupConsumer(options: KafkaGroupConsumerOptions): KafkaGroupConsumer {
  const { kafka, admin, groupId, topics, subscription, ambient, log } = options;
  const { group } = subscription;
  const stopping = new AbortController();
  /** Of the partitions that this process has. Undefined until it is known where the group stands. */
  const ledgers = new Map<PartitionName, OffsetLedger | undefined>();
  const paused = new Set<PartitionName>();
  let consumer: Consumer | undefined;

  const settle = (position: RecordPosition) => {
    const [topic = '', partition, offset] = position.split(' ');
    const name: PartitionName = `${topic} ${Number(partition)}`;
    const ledger = ledgers.get(name);
    // Its partition belongs to another process now, which gets it again.
    if (ledger === undefined) return;
    ledger.done(Number(offset));
    commits.note(name);
    throttle();
  };
  const delivery = startKeyedDelivery<RecordPosition>({
    subscription,
    ambient,
    logger: log,
    redelivery: options.redelivery,
    acknowledge: settle,
    bury: async ({ position, message }, note) => {
      await options.bury(message, note);
      settle(position);
    },
  });

  const commits = offsetCommits<PartitionName>({
    markOf: (name) => (consumer === undefined ? undefined : ledgers.get(name)?.mark()),
    commit: async (marks) => {
      await consumer?.commitOffsets(
        [...marks].map(([name, { offset, metadata }]) => ({
          ...placeOf(name),
          offset: String(offset),
          metadata,
        })),
      );
    },
    later: delivery.later,
    onFailure: (error) =>
      log.warn({ group, error: String(error) }, 'events handled could not be noted: they may come again'),
  });

  /** Reads no further in a partition that is too far ahead, nor in any when too much waits here. */
  const throttle = () => {
    if (consumer === undefined) return;
    const full = delivery.queued() >= readAhead;
    for (const [name, ledger] of ledgers) {
      const wait = full || (ledger?.window() ?? 0) >= widestWindow;
      if (wait === paused.has(name)) continue;
      const { topic, partition } = placeOf(name);
      if (wait) paused.add(name);
      else paused.delete(name);
      consumer[wait ? 'pause' : 'resume']([{ topic, partitions: [partition] }]);
    }
  };

  const assign = (assignment: Readonly<Record<string, readonly number[]>>) => {
    const names = new Set(
      Object.entries(assignment).flatMap(([topic, partitions]) =>
        partitions.map((partition): PartitionName => `${topic} ${partition}`),
      ),
    );
    for (const name of ledgers.keys()) if (!names.has(name)) ledgers.delete(name);
    delivery.forget((position) => !names.has(position.slice(0, position.lastIndexOf(' ')) as PartitionName));
    for (const name of names) {
      if (!ledgers.has(name)) ledgers.set(name, undefined);
      // What could not be committed while the group was rebalanced is committed now.
      else commits.note(name);
    }
    throttle();
  };

  /** Where the group stands in a partition that this process was given. */
  const ledgerOf = async (topic: string, partition: number): Promise<OffsetLedger | undefined> => {
    const name: PartitionName = `${topic} ${partition}`;
    const known = ledgers.get(name);
    if (known !== undefined) return known;
    const [found] = await admin.fetchOffsets({ groupId, topics: [topic] });
    const at = found?.partitions.find((one) => one.partition === partition);
    if (!ledgers.has(name)) return undefined;
    let ledger = ledgers.get(name);
    if (ledger === undefined) {
      const offset = Number(at?.offset ?? -1);
      ledger = createOffsetLedger({ offset: Math.max(0, offset), metadata: at?.metadata ?? '' });
      ledgers.set(name, ledger);
    }
    return ledger;
  };

  const take = async ({ batch, resolveOffset }: EachBatchPayload): Promise<void> => {
    const { topic, partition } = batch;
    const ledger = await ledgerOf(topic, partition);
    if (ledger === undefined) return;
    const placed: Placed<RecordPosition>[] = [];
    for (const { offset, headers, value } of batch.messages) {
      if (!ledger.begin(Number(offset))) continue;
      const position: RecordPosition = `${topic} ${partition} ${Number(offset)}`;
      const message = value === null ? undefined : messageFrom(recordHeaders(headers), value);
      if (message === undefined) {
        // Nobody can handle it, now or later.
        log.error({ group, position }, 'a record is no event and is passed over');
        settle(position);
      } else placed.push({ position, message });
    }
    resolveOffset(batch.lastOffset());
    delivery.take(placed);
    throttle();
  };

  /** Consumes until the client gives up: another one is made then. */
  const consume = async (): Promise<void> => {
    await options.prepare();
    const made = kafka.consumer({
      groupId,
      sessionTimeout: timing.session,
      rebalanceTimeout: timing.rebalance,
      heartbeatInterval: timing.heartbeat,
      maxWaitTimeInMs: timing.wait,
      maxBytesPerPartition: 262_144,
      allowAutoTopicCreation: false,
      // It would begin again without asking whether it was stopped meanwhile, and keep its partitions from everybody.
      retry: { retries: 5, restartOnFailure: async () => false },
    });
    made.on('consumer.group_join', ({ payload }) => assign(payload.memberAssignment));
    let end: () => void = () => undefined;
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    made.on('consumer.crash', () => end());
    stopping.signal.addEventListener('abort', end);
    try {
      if (stopping.signal.aborted) return;
      await made.connect();
      await made.subscribe({ topics: [...topics], fromBeginning: true });
      consumer = made;
      await made.run({ autoCommit: false, eachBatchAutoResolve: false, eachBatch: take });
      await ended;
    } finally {
      stopping.signal.removeEventListener('abort', end);
      if (stopping.signal.aborted) {
        await delivery.stop();
        await bounded(ambient.timers, timing.end, commits.flush()).catch(() => undefined);
      }
      consumer = undefined;
      paused.clear();
      ledgers.clear();
      delivery.forget(() => true);
      await bounded(ambient.timers, timing.end, made.disconnect()).catch(() => undefined);
    }
  };

  const loop = (async () => {
    while (!stopping.signal.aborted) {
      try {
        await consume();
      } catch (error) {
        if (!stopping.signal.aborted)
          log.warn({ group, error: String(error) }, 'events could not be read: it is tried again');
      }
      await ambient.timers.sleep(timing.retry, stopping.signal).catch(() => undefined);
    }
    await delivery.stop();
  })();

  return {
    flush: commits.flush,
    stop: async () => {
      stopping.abort();
      await loop;
    },
  };
}

function placeOf(name: PartitionName): { readonly topic: string; readonly partition: number } {
  const [topic = '', partition] = name.split(' ');
  return { topic, partition: Number(partition) };
}
