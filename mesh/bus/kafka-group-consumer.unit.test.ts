import { expect } from 'chai';
import type { Admin, Consumer, ConsumerConfig, ConsumerRunConfig, EachBatchPayload, Kafka } from 'kafkajs';
import { collectingLog } from '../testing/collecting-log.js';
import { virtualClock } from '../testing/virtual-clock.js';
import { busMessage } from './contract-suite.js';
import { startKafkaGroupConsumer } from './kafka-group-consumer.js';
import { headersOf } from './message-headers.js';

const topic = 'shop.topic.order';

/** A client that joins its group when it is told to, and says what was asked of it. */
function scriptedClient() {
  const asked: string[] = [];
  const heard = new Map<string, (event: unknown) => void>();
  let running: ConsumerRunConfig = {};
  const note =
    (what: string) =>
    ([{ topic: of, partitions = [] } = { topic: '' }]: { topic: string; partitions?: number[] }[]) =>
      void asked.push(`${what} ${of} ${partitions}`);
  const consumer: Partial<Consumer> = {
    on: ((name: string, listener: (event: unknown) => void) => heard.set(name, listener)) as never,
    connect: async () => undefined,
    subscribe: async () => undefined,
    run: async (config) => {
      running = config ?? {};
    },
    pause: note('pause'),
    resume: note('resume'),
    commitOffsets: async () => undefined,
    disconnect: async () => undefined,
  };
  const admin: Partial<Admin> = {
    fetchOffsets: async () => [{ topic, partitions: [{ partition: 0, offset: '-1', metadata: null }] }],
  };
  return {
    asked,
    kafka: { consumer: (_: ConsumerConfig) => consumer } as unknown as Kafka,
    admin: admin as Admin,
    join: () => heard.get('consumer.group_join')?.({ payload: { memberAssignment: { [topic]: [0] } } }),
    give: async (count: number) => {
      const messages = Array.from({ length: count }, (_, number) => {
        const message = busMessage(`m${number}`, { key: `k${number}` });
        return { offset: String(number), value: Buffer.from(message.data), headers: headersOf(message) };
      });
      const batch = { topic, partition: 0, messages, lastOffset: () => String(count - 1) };
      await running.eachBatch?.({ batch, resolveOffset: () => undefined } as unknown as EachBatchPayload);
    },
  };
}

describe('a consumer of Kafka with too much to handle', () => {
  it('reads no further, nor when its client has begun again and knows nothing of it', async () => {
    const time = virtualClock();
    const client = scriptedClient();
    let handle: () => void = () => undefined;
    const handled = new Promise<void>((resolve) => {
      handle = resolve;
    });
    const consumer = startKafkaGroupConsumer({
      ...client,
      groupId: 'shop.mail',
      topics: [topic],
      subscription: { group: 'mail', topics: { order: ['test.Placed'] }, handle: () => handled },
      ambient: time,
      log: collectingLog(),
      redelivery: { maxAttempts: 3, retryBaseDelayMs: 1, retryMaxDelayMs: 1 },
      prepare: async () => undefined,
      bury: async () => undefined,
    });
    await time.settle();
    client.join();
    await client.give(300);
    expect(client.asked.at(-1)).to.equal(`pause ${topic} 0`);

    client.asked.length = 0;
    client.join();
    expect(client.asked).to.deep.equal([`pause ${topic} 0`]);

    client.asked.length = 0;
    handle();
    await time.settle();
    expect(client.asked).to.deep.equal([`resume ${topic} 0`]);
    await consumer.stop();
  });
});
