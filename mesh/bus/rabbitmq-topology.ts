import type { Channel } from 'amqplib';

/** The names of a shop's exchanges and queues. */
export interface RabbitmqNames {
  /** Takes what a service publishes, and gives each group's queue a copy. */
  exchangeOf(topic: string): string;
  /** A group's messages, in order. */
  queueOf(group: string): string;
  /** What a group has given up. */
  deadQueueOf(group: string): string;
}

/** @param prefix what all of them begin with: shops with different ones share a RabbitMQ without meeting. */
export function rabbitmqNames(prefix: string): RabbitmqNames {
  return {
    exchangeOf: (topic) => `${prefix}.topic.${topic}`,
    queueOf: (group) => `${prefix}.group.${group}`,
    deadQueueOf: (group) => `${prefix}.dead.${group}`,
  };
}

/**
 * A queue that is kept by a majority of the cluster's nodes, on disk before it confirms. The limit of deliveries is as
 * good as none, and said because from RabbitMQ 4.0 on it is 20 where nobody says it: what is read ahead counts as
 * delivered whenever a connection breaks, and what comes over the limit is thrown away.
 */
const quorum = {
  durable: true,
  arguments: { 'x-queue-type': 'quorum', 'x-delivery-limit': 1_000_000 },
};

/** Makes sure that a group has its queue, and that it gets these topics. */
export async function declareGroup(
  channel: Channel,
  names: RabbitmqNames,
  group: string,
  topics: readonly string[],
): Promise<void> {
  await channel.assertQueue(names.queueOf(group), {
    ...quorum,
    // Of all processes of a group one is delivered to: the order of a key's messages would be lost otherwise.
    arguments: { ...quorum.arguments, 'x-single-active-consumer': true },
  });
  for (const topic of topics) {
    await channel.assertExchange(names.exchangeOf(topic), 'fanout', { durable: true });
    await channel.bindQueue(names.queueOf(group), names.exchangeOf(topic), '');
  }
}

/** Makes sure that a topic can be published to, and that each of these groups gets it. */
export async function declareTopic(
  channel: Channel,
  names: RabbitmqNames,
  topic: string,
  groups: readonly string[],
): Promise<void> {
  await channel.assertExchange(names.exchangeOf(topic), 'fanout', { durable: true });
  for (const group of groups) await declareGroup(channel, names, group, [topic]);
}

export async function declareDeadQueue(channel: Channel, names: RabbitmqNames, group: string): Promise<void> {
  await channel.assertQueue(names.deadQueueOf(group), quorum);
}
