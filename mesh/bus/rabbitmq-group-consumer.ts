import type { Channel, ConsumeMessage } from 'amqplib';
import type { Ambient, Log } from '../runtime/ports.js';
import { bounded } from './bounded.js';
import type { BusMessage, RedeliveryPolicy, Subscription } from './bus.js';
import { startKeyedDelivery } from './keyed-delivery.js';
import { type LetterNote, messageFrom } from './message-headers.js';
import type { RabbitmqConnection } from './rabbitmq-connection.js';
import { headerReader } from './rabbitmq-dead-letters.js';
import { declareGroup, type RabbitmqNames } from './rabbitmq-topology.js';

/** What a consumer of a group works with. */
export interface RabbitmqGroupConsumerOptions {
  readonly connection: RabbitmqConnection;
  readonly names: RabbitmqNames;
  readonly subscription: Subscription;
  readonly ambient: Ambient;
  readonly log: Log;
  readonly redelivery: RedeliveryPolicy;
  /** Puts a message among the group's dead letters. */
  bury(message: BusMessage, note: LetterNote): Promise<void>;
}

export interface RabbitmqGroupConsumer {
  /** Messages that this process was given, or may be given next, and has not acknowledged; undefined while it has no channel. */
  lag(): Promise<number | undefined>;
  /** Whether it may hold messages that RabbitMQ does not count as waiting: from before it is given any until they are given back. */
  mayHold(): boolean;
  stop(): Promise<void>;
}

/** Messages that RabbitMQ gives ahead of their acknowledgement. */
const readAhead = 256;
const timing = { retryMs: 200, closeMs: 2_000, returnMs: 1_000, returnPollMs: 10 };

/** Where a message stands: the life of the channel that it came by, and its number there. */
type DeliveryPosition = `${number} ${number}`;

/**
 * Delivers the messages of one group from its queue. The queue has one active consumer at a time, and gives what that one
 * has not acknowledged to the next, oldest first, when its connection ends.
 */
export function startRabbitmqGroupConsumer(options: RabbitmqGroupConsumerOptions): RabbitmqGroupConsumer {
  const { connection, names, subscription, ambient, log } = options;
  const { group } = subscription;
  const queue = names.queueOf(group);
  const stopping = new AbortController();
  /** What came by the channel that is open, and waits for its acknowledgement. */
  const held = new Map<DeliveryPosition, ConsumeMessage>();
  let life = 0;
  let open: Channel | undefined;
  let mayHold = false;

  const settle = (position: DeliveryPosition) => {
    const message = held.get(position);
    // It came by a channel that is gone, and comes again.
    if (message === undefined) return;
    held.delete(position);
    open?.ack(message);
  };
  const delivery = startKeyedDelivery<DeliveryPosition>({
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

  const take = (channel: Channel, came: ConsumeMessage) => {
    const message = messageFrom(headerReader(came.properties.headers), came.content);
    if (message === undefined) {
      // Nobody can handle it, now or later.
      log.error({ group, queue }, 'a message is no event and is passed over');
      channel.ack(came);
      return;
    }
    const position: DeliveryPosition = `${life} ${came.fields.deliveryTag}`;
    held.set(position, came);
    delivery.take([{ position, message }]);
  };

  /** Consumes by one channel, until it ends. */
  const consume = async (): Promise<void> => {
    const channel = await connection.channel();
    let over: () => void = () => undefined;
    const ended = new Promise<void>((resolve) => {
      over = resolve;
    });
    /** It takes no more acknowledgements: amqplib would throw, and what was handled would count as failed. */
    const leave = () => {
      if (open === channel) open = undefined;
    };
    channel.once('close', () => {
      leave();
      over();
    });
    stopping.signal.addEventListener('abort', over);
    try {
      if (stopping.signal.aborted) return;
      await declareGroup(channel, names, group, Object.keys(subscription.topics));
      await channel.prefetch(readAhead);
      life += 1;
      open = channel;
      mayHold = true;
      await channel.consume(queue, (came) => {
        // Null: RabbitMQ ended the consumer, for instance because the queue was deleted.
        if (came === null) {
          leave();
          void channel.close().catch(() => undefined);
        } else if (open === channel) take(channel, came);
      });
      await ended;
    } finally {
      stopping.signal.removeEventListener('abort', over);
      if (stopping.signal.aborted) await delivery.stop();
      leave();
      const left = held.size;
      held.clear();
      delivery.forget(() => true);
      await end(channel, stopping.signal.aborted && left > 0).catch(() => undefined);
      mayHold = false;
    }
  };

  /**
   * Closes a channel. RabbitMQ gives back what was not acknowledged, in its order, in one step with the end of the
   * consumer, but after it has answered.
   * @param awaitReturn to wait for that, for a bounded time.
   */
  const end = async (channel: Channel, awaitReturn: boolean): Promise<void> => {
    if (!awaitReturn) return bounded(ambient.timers, timing.closeMs, channel.close());
    const { consumerCount: before } = await channel.checkQueue(queue);
    await bounded(ambient.timers, timing.closeMs, channel.close());
    const other = await connection.channel();
    for (let waitedMs = 0; waitedMs < timing.returnMs; waitedMs += timing.returnPollMs) {
      if ((await other.checkQueue(queue)).consumerCount < before) break;
      await ambient.timers.sleep(timing.returnPollMs);
    }
    await other.close();
  };

  const loop = (async () => {
    while (!stopping.signal.aborted) {
      try {
        await consume();
      } catch (error) {
        if (!stopping.signal.aborted)
          log.warn({ group, error: String(error) }, 'events could not be read: it is tried again');
      }
      await ambient.timers.sleep(timing.retryMs, stopping.signal).catch(() => undefined);
    }
    await delivery.stop();
  })();

  return {
    lag: async () => {
      const channel = open;
      if (channel === undefined) return undefined;
      try {
        const { messageCount } = await channel.checkQueue(queue);
        // What was under way to this channel when that was counted has come when a second answer has.
        await channel.checkQueue(queue);
        return open === channel ? messageCount + held.size : undefined;
      } catch (error) {
        // It was closed meanwhile.
        if (open !== channel) return undefined;
        throw error;
      }
    },
    mayHold: () => mayHold,
    stop: async () => {
      stopping.abort();
      await loop;
    },
  };
}
