import type { Channel } from 'amqplib';
import type { Ambient, Log } from '../runtime/ports.js';
import { bounded } from './bounded.js';
import { type BoundedTurns, boundedTurns } from './bounded-turns.js';
import { type Bus, type BusMessage, defaultRedelivery, type RedeliveryPolicy } from './bus.js';
import { busUnavailable, noDeadLetter } from './bus-failure.js';
import { headersOf, type LetterNote, letterHeaders } from './message-headers.js';
import { onceEach } from './once-each.js';
import { type RabbitmqAccess, rabbitmqConnection } from './rabbitmq-connection.js';
import { lookThrough, takeOut } from './rabbitmq-dead-letters.js';
import { type RabbitmqGroupConsumer, startRabbitmqGroupConsumer } from './rabbitmq-group-consumer.js';
import { withLock } from './rabbitmq-lock.js';
import { type Outgoing, rabbitmqPublisher } from './rabbitmq-publisher.js';
import { queueSettling } from './rabbitmq-settling.js';
import { declareDeadQueue, declareGroup, declareTopic, rabbitmqNames } from './rabbitmq-topology.js';

/** What the bus on RabbitMQ is opened with. */
export interface RabbitmqBusOptions extends RabbitmqAccess {
  /**
   * All groups that shall ever hear of a topic, by topic. Each has its queue before the first message is published: one
   * that starts late still gets everything.
   */
  readonly groupsOf: (topic: string) => readonly string[];
  readonly ambient: Ambient;
  readonly log: Log;
  readonly redelivery?: Partial<RedeliveryPolicy>;
  /** What the names of its exchanges and queues begin with. Default `meshmart`. */
  readonly prefix?: string;
  /** How long a queue must be there before the first message, on a RabbitMQ before 4.0, in milliseconds. Default 4000. */
  readonly settleMs?: number;
}

/** AMQP's reply code NOT_FOUND. */
const noSuchQueue = 404;
/** Longest wait for what is asked of RabbitMQ. */
const askWithinMs = 20_000;
const lockWithinMs = 5_000;

/**
 * The bus for several processes on RabbitMQ: an exchange a topic, a quorum queue a group. RabbitMQ need not be there when
 * it is opened.
 * @throws StartupError for a wrong URL, or a password file that can't be read.
 */
export function openRabbitmqBus(options: RabbitmqBusOptions): Bus {
  const { ambient, log, prefix = 'meshmart', settleMs = 4_000 } = options;
  const names = rabbitmqNames(prefix);
  // Publishing has a connection of its own: RabbitMQ stops reading from publishers when it is short of memory or disk.
  const publishing = rabbitmqConnection({ ...options, name: `${options.name}:publish` });
  const consuming = rabbitmqConnection(options);
  const publisher = rabbitmqPublisher(publishing, ambient.timers);
  const { settled } = queueSettling(ambient.timers, settleMs);
  const running = new Map<string, RabbitmqGroupConsumer>();
  const topicsOf = new Map<string, readonly string[]>();
  /** Topics that are declared, by the channel that did it. */
  let declared: { readonly by: Channel; readonly topics: Set<string> } | undefined;

  const guarded = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (cause) {
      throw busUnavailable(cause);
    }
  };
  /** Work on a channel of its own, which is closed after it. */
  const onChannel = async <T>(work: (channel: Channel) => Promise<T>): Promise<T> => {
    const channel = await consuming.channel();
    try {
      return await work(channel);
    } finally {
      await channel.close().catch(() => undefined);
    }
  };
  /** Work on a queue, or what there is to say when there is no such queue. */
  const onQueue = <T>(queue: string, absent: T, work: (waiting: number) => Promise<T>): Promise<T> =>
    onChannel(async (channel) => {
      const found = await channel.checkQueue(queue).catch((error: { readonly code?: unknown }) => {
        if (error.code === noSuchQueue) return undefined;
        throw error;
      });
      return found === undefined ? absent : work(found.messageCount);
    });
  const asked = <T>(work: () => Promise<T>): Promise<T> =>
    guarded(() => bounded(ambient.timers, askWithinMs, work()));
  /**
   * Work on a queue while nobody else looks at it, here or elsewhere: what one looks at is out of the others' sight. When its
   * caller gives up, its channel is closed, and that ends it.
   */
  const looking = new Map<string, BoundedTurns>();
  const onDeadLetters = <T>(queue: string, absent: T, work: (channel: Channel) => Promise<T>): Promise<T> => {
    const inTurn = looking.get(queue) ?? boundedTurns(ambient.timers, askWithinMs);
    looking.set(queue, inTurn);
    return guarded(() =>
      inTurn((givenUp) => {
        const ending = async (channel: Channel) => {
          const end = () => void (async () => channel.close())().catch(() => undefined);
          givenUp.addEventListener('abort', end, { once: true });
          try {
            givenUp.throwIfAborted();
            return await work(channel);
          } finally {
            givenUp.removeEventListener('abort', end);
          }
        };
        return onQueue(queue, absent, () =>
          withLock(() => consuming.channel(), `${queue}.lock`, ambient.timers, lockWithinMs, ending),
        );
      }),
    );
  };
  const declareTopics = async (channel: Channel, messages: readonly BusMessage[]) => {
    if (declared?.by !== channel) declared = { by: channel, topics: new Set() };
    const { topics } = declared;
    for (const topic of new Set(messages.map((message) => message.topic))) {
      if (topics.has(topic)) continue;
      const here = [...topicsOf].filter(([, wanted]) => wanted.includes(topic)).map(([group]) => group);
      const groups = [...new Set([...options.groupsOf(topic), ...here])];
      await declareTopic(channel, names, topic, groups);
      await settled(channel, groups.map(names.queueOf));
      topics.add(topic);
    }
  };
  const bury = (group: string, message: BusMessage, note: LetterNote) => {
    const routingKey = names.deadQueueOf(group);
    const headers = letterHeaders(message, note);
    const letter: Outgoing = { exchange: '', routingKey, headers, data: message.data, mandatory: true };
    return publisher.publish([letter], async (channel) => {
      await declareDeadQueue(channel, names, group);
      await settled(channel, [routingKey]);
    });
  };

  return {
    publish: async (messages) => {
      if (messages.length === 0) return;
      const outgoing = messages.map((message) => ({
        exchange: names.exchangeOf(message.topic),
        routingKey: message.type,
        headers: headersOf(message),
        data: message.data,
        // A topic that nobody wants is no failure.
        mandatory: false,
      }));
      await guarded(() => publisher.publish(outgoing, (channel) => declareTopics(channel, messages)));
    },
    subscribe: async (subscription) => {
      const { group, topics } = subscription;
      if (running.has(group)) throw new Error(`group ${group} is subscribed already`);
      topicsOf.set(group, Object.keys(topics));
      declared = undefined;
      const consumer = startRabbitmqGroupConsumer({
        connection: consuming,
        names,
        subscription: onceEach(subscription),
        ambient,
        log,
        redelivery: { ...defaultRedelivery, ...options.redelivery },
        bury: (message, note) => bury(group, message, note),
      });
      running.set(group, consumer);
      return async () => {
        await consumer.stop();
        if (running.get(group) === consumer) running.delete(group);
      };
    },
    deadLetters: (group, limit) => {
      const queue = names.deadQueueOf(group);
      return onDeadLetters(queue, [], (channel) => lookThrough(channel, queue, group, limit));
    },
    replay: async (group, messageId) => {
      const queue = names.deadQueueOf(group);
      const found = await onDeadLetters(queue, false, (channel) =>
        takeOut(channel, queue, group, messageId, ({ message }) => {
          const routingKey = names.queueOf(group);
          const headers = headersOf(message);
          const again: Outgoing = { exchange: '', routingKey, headers, data: message.data, mandatory: true };
          return publisher.publish([again], (to) => declareGroup(to, names, group, []));
        }),
      );
      if (!found) throw noDeadLetter(group, messageId);
    },
    lag: (group) =>
      asked(async () => {
        for (;;) {
          const own = await running.get(group)?.lag();
          if (own !== undefined) return own;
          const waiting = await onQueue(names.queueOf(group), 0, async (count) => count);
          // One that began meanwhile was perhaps given what RabbitMQ then counted as waiting no more.
          if (running.get(group)?.mayHold() !== true) return waiting;
        }
      }),
    probe: () => asked(() => onChannel(async (channel) => void (await channel.checkExchange('amq.fanout')))),
    close: async () => {
      await Promise.all([...running.values()].map((consumer) => consumer.stop()));
      running.clear();
      await Promise.all([consuming.close(), publishing.close()]);
    },
  };
}
