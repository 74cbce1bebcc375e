import type { KafkaAdmin } from './kafka-admin.js';
import { countDone } from './offset-ledger.js';

/**
 * Records of the topics that a group has not dealt with.
 * @param topics those that it reads; undefined: those in which it has committed something.
 */
export async function lagOf(
  admin: KafkaAdmin,
  groupId: string,
  topics: readonly string[] | undefined,
): Promise<number> {
  const there = new Set(await admin.listTopics());
  const asked = topics?.filter((topic) => there.has(topic));
  const committed = await admin.fetchOffsets(
    asked === undefined ? { groupId } : { groupId, topics: [...asked] },
  );
  let lag = 0;
  for (const { topic, partitions } of committed) {
    if (asked === undefined && partitions.every(({ offset }) => Number(offset) < 0)) continue;
    for (const { partition, low, high } of await admin.fetchTopicOffsets(topic)) {
      const at = partitions.find((one) => one.partition === partition);
      const offset = Math.max(Number(at?.offset ?? -1), Number(low));
      lag += Number(high) - offset - countDone({ offset, metadata: at?.metadata ?? '' });
    }
  }
  return lag;
}

/**
 * Deletes what every group has dealt with, and never what one of them still needs: nothing of a partition in which one has
 * not begun.
 */
export async function trimTopic(
  admin: KafkaAdmin,
  topic: string,
  groupIds: readonly string[],
): Promise<void> {
  if (groupIds.length === 0) return;
  const committed = await Promise.all(
    groupIds.map(
      async (groupId) => (await admin.fetchOffsets({ groupId, topics: [topic] }))[0]?.partitions ?? [],
    ),
  );
  const partitions = (await admin.fetchTopicOffsets(topic)).flatMap(({ partition, low }) => {
    const offsets = committed.map((all) =>
      Number(all.find((one) => one.partition === partition)?.offset ?? -1),
    );
    const least = Math.min(...offsets);
    return least > Number(low) ? [{ partition, offset: String(least) }] : [];
  });
  if (partitions.length > 0) await admin.deleteTopicRecords({ topic, partitions });
}
