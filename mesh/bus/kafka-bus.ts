import type { Message, TopicMessages } from 'kafkajs';
import type { Ambient, Log } from '../runtime/ports.js';
import { bounded } from './bounded.js';
import { type Bus, type BusMessage, defaultRedelivery, type RedeliveryPolicy } from './bus.js';
import { busUnavailable, noDeadLetter } from './bus-failure.js';
import { turnTakingAdmin } from './kafka-admin.js';
import { type KafkaAccess, kafkaClient } from './kafka-client.js';
import { kafkaDeadLetters } from './kafka-dead-letters.js';
import { type KafkaGroupConsumer, startKafkaGroupConsumer } from './kafka-group-consumer.js';
import { lagOf, trimTopic } from './kafka-progress.js';
import { kafkaPublisher } from './kafka-publisher.js';
import { kafkaNames, kafkaTopics } from './kafka-topics.js';
import type { KeptLettersBounds } from './kept-letters.js';
import { headersOf, type LetterNote, letterHeaders } from './message-headers.js';
import { onceEach } from './once-each.js';
import { oneAtATime } from './one-at-a-time.js';

/** What the bus on Kafka is opened with. */
export interface KafkaBusOptions extends KafkaAccess {
  /**
   * All groups that shall ever hear of a topic, by topic. Nothing is cut off before each of them has handled it: one that
   * starts late still gets everything.
   */
  readonly groupsOf: (topic: string) => readonly string[];
  readonly ambient: Ambient;
  readonly log: Log;
  readonly redelivery?: Partial<RedeliveryPolicy>;
  /** What the names of its topics and groups begin with. Default `meshmart`. */
  readonly prefix?: string;
  /** How often records that every group has handled are deleted, in milliseconds. Default 60000. */
  readonly trimEveryMs?: number;
  /** How many dead letters of a group are kept in memory. */
  readonly keptLetters?: KeptLettersBounds;
}

/** Longest wait for what is asked of Kafka. Making a topic, or reading dead letters, takes its time. */
const askWithinMs = 20_000;

/**
 * The bus for several processes on Kafka: a topic a publishing service, with the key of a message choosing its partition,
 * and a consumer group a subscribing service. Kafka need not be there when it is opened.
 * @throws StartupError for a wrong list of brokers.
 */
export function openKafkaBus(options: KafkaBusOptions): Bus {
  const { ambient, log, prefix = 'meshmart', trimEveryMs = 60_000 } = options;
  const { timers } = ambient;
  const kafka = kafkaClient(options);
  const names = kafkaNames(prefix);
  const client = kafka.admin();
  const admin = turnTakingAdmin(client);
  const topics = kafkaTopics(admin, timers);
  const publisher = kafkaPublisher(kafka, timers);
  const dead = kafkaDeadLetters({ kafka, admin, ambient, log, bounds: options.keptLetters });
  const replaying = oneAtATime();
  const running = new Map<string, KafkaGroupConsumer>();
  const topicsOf = new Map<string, readonly string[]>();
  let connecting: Promise<void> | undefined;
  let open = true;

  /** Connected once; after that it connects again by itself. */
  const connected = async (): Promise<void> => {
    if (!open) throw new Error('the bus was closed');
    connecting ??= client.connect().catch((error: unknown) => {
      connecting = undefined;
      throw error;
    });
    await connecting;
  };
  const asked = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await bounded(timers, askWithinMs, connected().then(work));
    } catch (cause) {
      throw busUnavailable(cause);
    }
  };
  const bury = (group: string, message: BusMessage, note: LetterNote) => {
    const topic = names.deadTopicOf(group);
    const letter = {
      key: message.id,
      value: Buffer.from(message.data),
      headers: letterHeaders(message, note),
    };
    return publisher.publish([{ topic, messages: [letter] }], async () => {
      await connected();
      await topics.ensureDead(topic);
    });
  };
  /** What a group reads, as Kafka calls it. */
  const readBy = (group: string, wanted: readonly string[]) => [
    ...wanted.map(names.topicOf),
    names.replayTopicOf(group),
  ];
  const trimLater = (): (() => void) =>
    timers.after(trimEveryMs, () => {
      const groups = [...running.keys()];
      const mine = new Set(groups.flatMap((group) => topicsOf.get(group) ?? []));
      const readers = [
        ...[...mine].map((topic) => [names.topicOf(topic), options.groupsOf(topic)] as const),
        ...groups.map((group) => [names.replayTopicOf(group), [group]] as const),
      ];
      Promise.all(readers.map(([topic, by]) => asked(() => trimTopic(admin, topic, by.map(names.groupOf)))))
        .catch((error: unknown) => log.debug({ error: String(error) }, 'handled events could not be cut off'))
        .finally(() => {
          if (open) cancelTrim = trimLater();
        });
    });
  let cancelTrim = trimLater();

  return {
    publish: async (messages) => {
      if (messages.length === 0) return;
      const byTopic = new Map<string, Message[]>();
      for (const message of messages) {
        const topic = names.topicOf(message.topic);
        const record = { key: message.key, value: Buffer.from(message.data), headers: headersOf(message) };
        byTopic.set(topic, [...(byTopic.get(topic) ?? []), record]);
      }
      const records: TopicMessages[] = [...byTopic].map(([topic, all]) => ({ topic, messages: all }));
      try {
        await publisher.publish(records, async () => {
          await connected();
          await topics.ensureEvents([...byTopic.keys()]);
        });
      } catch (cause) {
        throw busUnavailable(cause);
      }
    },
    subscribe: async (subscription) => {
      const { group } = subscription;
      if (running.has(group)) throw new Error(`group ${group} is subscribed already`);
      topicsOf.set(group, Object.keys(subscription.topics));
      const read = readBy(group, Object.keys(subscription.topics));
      const consumer = startKafkaGroupConsumer({
        kafka,
        admin,
        groupId: names.groupOf(group),
        topics: read,
        subscription: onceEach(subscription),
        ambient,
        log,
        redelivery: { ...defaultRedelivery, ...options.redelivery },
        prepare: async () => {
          await connected();
          await topics.ensureEvents(read);
        },
        bury: (message, note) => bury(group, message, note),
      });
      running.set(group, consumer);
      return async () => {
        await consumer.stop();
        if (running.get(group) === consumer) running.delete(group);
      };
    },
    deadLetters: (group, limit) =>
      asked(async () => {
        const letters = await dead.read(group, names.deadTopicOf(group));
        return [...letters.values()].slice(0, limit);
      }),
    replay: async (group, messageId) => {
      const [from, to] = [names.deadTopicOf(group), names.replayTopicOf(group)];
      const again = async () => {
        const letter = (await dead.read(group, from)).get(messageId);
        if (letter === undefined) return false;
        const { message } = letter;
        const record = { key: message.key, value: Buffer.from(message.data), headers: headersOf(message) };
        await publisher.publish([{ topic: to, messages: [record] }], () => topics.ensureEvents([to]));
        // After it, so that a failure in between leaves it twice rather than nowhere.
        const over = [{ topic: from, messages: [{ key: messageId, value: null }] }];
        await publisher.publish(over, async () => undefined);
        return true;
      };
      const found = await asked(() => replaying(again));
      if (!found) throw noDeadLetter(group, messageId);
    },
    lag: (group) =>
      asked(async () => {
        await running.get(group)?.flush();
        const wanted = topicsOf.get(group);
        const read = wanted && readBy(group, wanted);
        // They may be about to be made.
        if (read !== undefined) await topics.ensureEvents(read);
        return lagOf(admin, names.groupOf(group), read);
      }),
    probe: () => asked(async () => void (await admin.describeCluster())),
    close: async () => {
      cancelTrim();
      await Promise.all([...running.values()].map((consumer) => consumer.stop()));
      running.clear();
      open = false;
      await dead.close();
      await publisher.close();
      await client.disconnect().catch(() => undefined);
    },
  };
}
