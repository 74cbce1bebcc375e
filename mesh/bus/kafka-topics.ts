import type { IHeaders } from 'kafkajs';
import type { Timers } from '../runtime/ports.js';
import type { KafkaAdmin } from './kafka-admin.js';
import type { HeaderReader } from './message-headers.js';
import { oneAtATime } from './one-at-a-time.js';

/** The names of a shop's topics and consumer groups. */
export interface KafkaNames {
  topicOf(topic: string): string;
  /** Dead letters that were replayed wait here for their group. */
  replayTopicOf(group: string): string;
  /** What a group has given up, by message id. */
  deadTopicOf(group: string): string;
  groupOf(group: string): string;
}

/** @param prefix what all of them begin with: shops with different ones share a cluster without meeting. */
export function kafkaNames(prefix: string): KafkaNames {
  return {
    topicOf: (topic) => `${prefix}.topic.${topic}`,
    replayTopicOf: (group) => `${prefix}.replay.${group}`,
    deadTopicOf: (group) => `${prefix}.dead.${group}`,
    groupOf: (group) => `${prefix}.${group}`,
  };
}

/** Makes sure of topics, each once. */
export interface KafkaTopics {
  /** Events: as many partitions as the cluster gives a topic, kept until every group has handled them. */
  ensureEvents(topics: readonly string[]): Promise<void>;
  /** Dead letters: the last word on each id is kept for ever. */
  ensureDead(topic: string): Promise<void>;
}

/** How long a cluster may take to tell of a topic that was made, and how often it is asked, in milliseconds. */
const known = { withinMs: 15_000, everyMs: 50 };

export function kafkaTopics(admin: KafkaAdmin, timers: Timers): KafkaTopics {
  const sure = new Set<string>();
  const inTurn = oneAtATime();

  const make = async (topics: readonly string[], numPartitions: number, entries: Record<string, string>) => {
    const unsure = topics.filter((topic) => !sure.has(topic));
    if (unsure.length === 0) return;
    const there = new Set(await admin.listTopics());
    await admin.createTopics({
      topics: unsure
        .filter((topic) => !there.has(topic))
        .map((topic) => ({
          topic,
          numPartitions,
          replicationFactor: -1,
          configEntries: Object.entries(entries).map(([name, value]) => ({ name, value })),
        })),
      waitForLeaders: false,
    });
    // Whoever made them: they are listed before they have leaders, and have leaders before those know of it.
    for (let waitedMs = 0; ; waitedMs += known.everyMs) {
      try {
        for (const topic of unsure) await admin.fetchTopicOffsets(topic);
        break;
      } catch (error) {
        if (waitedMs >= known.withinMs) throw error;
        await timers.sleep(known.everyMs);
      }
    }
    for (const topic of unsure) sure.add(topic);
  };
  /** One after the other: two that make the same topic disturb each other. */
  const ensure = (topics: readonly string[], numPartitions: number, entries: Record<string, string>) =>
    inTurn(() => make(topics, numPartitions, entries));
  return {
    // Not a week, as Kafka would: the bus cuts off what is handled, and nothing else may.
    ensureEvents: (topics) => ensure(topics, -1, { 'retention.ms': '-1', 'retention.bytes': '-1' }),
    ensureDead: (topic) => ensure([topic], 1, { 'cleanup.policy': 'compact' }),
  };
}

/** Reads the headers of a record. */
export function recordHeaders(headers: IHeaders | undefined): HeaderReader {
  return (name) => {
    const value = headers?.[name];
    const one = Array.isArray(value) ? value[0] : value;
    return one === undefined ? '' : one.toString();
  };
}
