import type { Consumer, Kafka } from 'kafkajs';
import type { Ambient, Log } from '../runtime/ports.js';
import type { DeadLetter } from './bus.js';
import type { KafkaAdmin } from './kafka-admin.js';
import { recordHeaders } from './kafka-topics.js';
import { type KeptLetters, type KeptLettersBounds, keptLetters } from './kept-letters.js';
import { letterFrom } from './message-headers.js';

/** The dead letters of groups, read from their topics. */
export interface KafkaDeadLetters {
  /**
   * What a group's topic held when this was called, by message id, oldest first; none when there is no such topic. Of very
   * many it is the oldest, see {@link keptLetters}.
   * @throws Error when it could not be read in time.
   */
  read(group: string, topic: string): Promise<ReadonlyMap<string, DeadLetter>>;
  close(): Promise<void>;
}

/** A topic as it is followed. */
interface Followed {
  readonly letters: KeptLetters;
  /** The offset after the last that was read. */
  position: number;
  /** Why it is followed no more. */
  failure: Error | undefined;
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
  readonly bounds?: KeptLettersBounds | undefined;
}): KafkaDeadLetters {
  const { kafka, admin, ambient, log, bounds } = options;
  const followed = new Map<string, Promise<Followed>>();

  const follow = async (group: string, topic: string): Promise<Followed> => {
    // kafkajs reads as a member of a group only. This one has a single member, and commits nothing that would be left.
    const groupId = `${topic}.reader.${Buffer.from(ambient.random.bytes(8)).toString('hex')}`;
    const consumer = kafka.consumer({
      groupId,
      maxWaitTimeInMs: timing.wait,
      allowAutoTopicCreation: false,
      // It would begin again without asking whether it was closed meanwhile, and keep the process alive.
      retry: { retries: 5, restartOnFailure: async () => false },
    });
    const one: Followed = { letters: keptLetters(bounds), position: 0, failure: undefined, consumer };
    consumer.on('consumer.crash', ({ payload }) => {
      log.warn({ topic, error: String(payload.error) }, 'dead letters are read anew when they are asked for');
      one.failure = payload.error;
      followed.delete(topic);
    });
    try {
      await consumer.connect();
      await consumer.subscribe({ topic, fromBeginning: true });
      await consumer.run({
        autoCommit: false,
        eachBatch: async ({ batch, isStale }) => {
          // Read before it was told to begin again.
          if (isStale()) return;
          for (const { key, value, headers, offset } of batch.messages) {
            const letter = value === null ? undefined : letterFrom(group, recordHeaders(headers), value);
            one.letters.take(key?.toString() ?? '', Number(offset), letter);
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

  const caughtUp = async (one: Followed, end: number) => {
    for (let waitedMs = 0; one.position < end; waitedMs += timing.poll) {
      if (one.failure !== undefined) throw one.failure;
      if (waitedMs > timing.read) throw new Error('dead letters could not be read in time');
      await ambient.timers.sleep(timing.poll);
    }
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
      await caughtUp(one, end);
      if (one.letters.outdated()) {
        one.letters.rewind();
        one.position = 0;
        one.consumer.seek({ topic, partition: 0, offset: '0' });
        await caughtUp(one, end);
      }
      return one.letters.all();
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
