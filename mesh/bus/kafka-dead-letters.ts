import type { Consumer, Kafka } from 'kafkajs';
import type { Ambient, Log } from '../runtime/ports.js';
import type { DeadLetter } from './bus.js';
import type { KafkaAdmin } from './kafka-admin.js';
import { recordHeaders } from './kafka-topics.js';
import { letterFrom } from './message-headers.js';

/** The dead letters of groups, read from their topics. */
export interface KafkaDeadLetters {
  /**
   * Everything that a group's topic held when this was called, by message id, oldest first; none when there is no such
   * topic.
   * @throws Error when it could not be read in time.
   */
  read(group: string, topic: string): Promise<ReadonlyMap<string, DeadLetter>>;
  close(): Promise<void>;
}

/** A topic as it is followed. */
interface Followed {
  readonly letters: Map<string, DeadLetter>;
  /** The offset after the last that was read. */
  position: number;
  readonly consumer: Consumer;
}

/** In milliseconds. */
const timing = { read: 15_000, poll: 5, wait: 100 };

/**
 * Follows each topic from its beginning as soon as it is asked for, so that the next question costs no more than the
 * offset of its end. The last record of an id counts; one without data says that the letter was replayed.
 */
export function kafkaDeadLetters(options: {
  readonly kafka: Kafka;
  readonly admin: KafkaAdmin;
  readonly ambient: Ambient;
  readonly log: Log;
}): KafkaDeadLetters {
  const { kafka, admin, ambient, log } = options;
  const followed = new Map<string, Promise<Followed>>();

  const follow = async (group: string, topic: string): Promise<Followed> => {
    // kafkajs reads as a member of a group only. This one has a single member, and commits nothing that would be left.
    const groupId = `${topic}.reader.${Buffer.from(ambient.random.bytes(8)).toString('hex')}`;
    const consumer = kafka.consumer({
      groupId,
      maxWaitTimeInMs: timing.wait,
      allowAutoTopicCreation: false,
    });
    const one: Followed = { letters: new Map(), position: 0, consumer };
    consumer.on('consumer.crash', ({ payload }) => {
      if (payload.restart) return;
      log.warn({ topic, error: String(payload.error) }, 'dead letters are read anew');
      followed.delete(topic);
    });
    try {
      await consumer.connect();
      await consumer.subscribe({ topic, fromBeginning: true });
      await consumer.run({
        autoCommit: false,
        eachBatch: async ({ batch }) => {
          // After a failure it begins again.
          if (Number(batch.firstOffset() ?? 0) < one.position) one.letters.clear();
          for (const { key, value, headers } of batch.messages) {
            const id = key?.toString() ?? '';
            // In the order of the last word on each.
            one.letters.delete(id);
            const letter = value === null ? undefined : letterFrom(group, recordHeaders(headers), value);
            if (letter !== undefined) one.letters.set(id, letter);
          }
          one.position = Number(batch.lastOffset()) + 1;
        },
      });
    } catch (error) {
      void consumer.disconnect().catch(() => undefined);
      throw error;
    }
    return one;
  };

  return {
    read: async (group, topic) => {
      if (!(await admin.listTopics()).includes(topic)) return new Map();
      const end = Number((await admin.fetchTopicOffsets(topic))[0]?.high ?? 0);
      if (end === 0) return new Map();
      const following = followed.get(topic) ?? follow(group, topic);
      followed.set(topic, following);
      following.catch(() => followed.delete(topic));
      const one = await following;
      for (let waitedMs = 0; one.position < end; waitedMs += timing.poll) {
        if (waitedMs > timing.read) throw new Error(`${topic} could not be read in time`);
        await ambient.timers.sleep(timing.poll);
      }
      return new Map(one.letters);
    },
    close: async () => {
      const all = [...followed.values()];
      followed.clear();
      await Promise.all(
        all
          .map(async (following) => (await following).consumer.disconnect())
          .map((end) => end.catch(() => undefined)),
      );
    },
  };
}
