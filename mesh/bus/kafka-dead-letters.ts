import type { Admin, Kafka } from 'kafkajs';
import type { Random, Timers } from '../runtime/ports.js';
import { bounded } from './bounded.js';
import type { DeadLetter } from './bus.js';
import { recordHeaders } from './kafka-topics.js';
import { letterFrom } from './message-headers.js';

/** Longest time to read a topic of dead letters, in milliseconds. */
const readWithinMs = 15_000;

/**
 * Reads a topic of dead letters from its beginning to where it ends now. The last record of an id counts; one without
 * data says that the letter was replayed.
 * @returns them by message id, oldest first; none when there is no such topic.
 */
export async function readLetters(
  { kafka, admin, timers, random }: { kafka: Kafka; admin: Admin; timers: Timers; random: Random },
  topic: string,
  group: string,
): Promise<Map<string, DeadLetter>> {
  const letters = new Map<string, DeadLetter>();
  if (!(await admin.listTopics()).includes(topic)) return letters;
  const [end] = await admin.fetchTopicOffsets(topic);
  if (end === undefined || end.high === end.low) return letters;
  const last = Number(end.high) - 1;
  // kafkajs reads as a member of a group only: one for this reading, which is deleted after it.
  const groupId = `${topic}.reader.${Buffer.from(random.bytes(8)).toString('hex')}`;
  const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 100, allowAutoTopicCreation: false });
  try {
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    const read = new Promise<void>((resolve) => {
      void consumer.run({
        autoCommit: false,
        eachBatch: async ({ batch }) => {
          for (const { key, value, headers } of batch.messages) {
            const id = key?.toString() ?? '';
            // In the order of the last word on each.
            letters.delete(id);
            const letter = value === null ? undefined : letterFrom(group, recordHeaders(headers), value);
            if (letter !== undefined) letters.set(id, letter);
          }
          if (Number(batch.lastOffset()) >= last) resolve();
        },
      });
    });
    await bounded(timers, readWithinMs, read);
  } finally {
    await consumer.disconnect().catch(() => undefined);
    await admin.deleteGroups([groupId]).catch(() => undefined);
  }
  return letters;
}
