import { type Kafka, Partitioners, type Producer, type TopicMessages } from 'kafkajs';
import type { Timers } from '../runtime/ports.js';
import { bounded } from './bounded.js';
import { oneAtATime } from './one-at-a-time.js';

/** Puts records into Kafka, in order. */
export interface KafkaPublisher {
  /**
   * Resolves when all in-sync replicas have every record.
   * @param prepare makes sure of the topics.
   * @throws Error when one was not acknowledged in time.
   */
  publish(records: readonly TopicMessages[], prepare: () => Promise<void>): Promise<void>;
  close(): Promise<void>;
}

/** Longest waits: for the topics, which may have to be made, and for all acknowledgements of a call. */
const bounds = { prepareMs: 20_000, acknowledgeMs: 5_000 };

/**
 * Publishes through an idempotent producer: a record that is sent again inside one call is stored once. A producer that
 * failed is never used again. Its broker may have stored what it believes it has not, and would then take the next
 * records, which get the same sequence numbers, for the same ones: acknowledged, and never stored.
 */
export function kafkaPublisher(kafka: Kafka, timers: Timers): KafkaPublisher {
  let current: Promise<Producer> | undefined;
  const inTurn = oneAtATime();
  let closed = false;

  const producer = (): Promise<Producer> => {
    if (closed) return Promise.reject(new Error('the bus was closed'));
    current ??= (async () => {
      const made = kafka.producer({
        idempotent: true,
        maxInFlightRequests: 1,
        allowAutoTopicCreation: false,
        createPartitioner: Partitioners.DefaultPartitioner,
      });
      await made.connect();
      return made;
    })();
    return current;
  };
  const drop = () => {
    const dropped = current;
    current = undefined;
    return dropped?.then((made) => made.disconnect()).catch(() => undefined);
  };
  const prepared = async (prepare: () => Promise<void>): Promise<Producer> => {
    if (closed) throw new Error('the bus was closed');
    await prepare();
    return producer();
  };
  return {
    publish: (records, prepare) =>
      inTurn(async () => {
        try {
          const through = await bounded(timers, bounds.prepareMs, prepared(prepare));
          const sent = through.sendBatch({
            topicMessages: [...records],
            acks: -1,
            timeout: bounds.acknowledgeMs,
          });
          await bounded(timers, bounds.acknowledgeMs, sent);
        } catch (error) {
          void drop();
          throw error;
        }
      }),
    close: async () => {
      closed = true;
      await inTurn(async () => undefined);
      await drop();
    },
  };
}
