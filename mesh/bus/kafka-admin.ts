import type { Admin } from 'kafkajs';
import { oneAtATime } from './one-at-a-time.js';

/** What the bus asks of a cluster. */
export type KafkaAdmin = Pick<
  Admin,
  | 'listTopics'
  | 'createTopics'
  | 'fetchTopicOffsets'
  | 'fetchOffsets'
  | 'deleteTopicRecords'
  | 'describeCluster'
>;

/**
 * An admin client that asks one thing at a time. kafkajs' own keeps one view of the topics for all that is asked through
 * it, and each question replaces it with what that one needs: the offsets of a topic that another question has just put
 * out of sight come back empty, as if it had no partitions.
 */
export function turnTakingAdmin(admin: Admin): KafkaAdmin {
  const inTurn = oneAtATime();
  return {
    listTopics: () => inTurn(() => admin.listTopics()),
    createTopics: (options) => inTurn(() => admin.createTopics(options)),
    fetchTopicOffsets: (topic) => inTurn(() => admin.fetchTopicOffsets(topic)),
    fetchOffsets: (options) => inTurn(() => admin.fetchOffsets(options)),
    deleteTopicRecords: (options) => inTurn(() => admin.deleteTopicRecords(options)),
    describeCluster: () => inTurn(() => admin.describeCluster()),
  };
}
