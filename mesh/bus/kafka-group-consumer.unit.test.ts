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
  const configs: ConsumerConfig[] = [];
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
    disconnect: async () => void asked.push('disconnect'),
  };
  const admin: Partial<Admin> = {
    fetchOffsets: async () => [{ topic, partitions: [{ partition: 0, offset: '-1', metadata: null }] }],
  };
  return {
    asked,
    configs,
    kafka: {
      consumer: (config: ConsumerConfig) => {
        configs.push(config);
        return consumer;
      },
    } as unknown as Kafka,
    admin: admin as Admin,
    crash: () => heard.get('consumer.crash')?.({ payload: { restart: false } }),
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

/** A consumer of the group `mail` through a scripted client. */
function begin(client: ReturnType<typeof scriptedClient>, handle: () => Promise<void>) {
  const time = virtualClock();
  const consumer = startKafkaGroupConsumer({
    kafka: client.kafka,
    admin: client.admin,
    groupId: 'shop.mail',
    topics: [topic],
    subscription: { group: 'mail', topics: { order: ['test.Placed'] }, handle },
    ambient: time,
    log: collectingLog(),
    redelivery: { maxAttempts: 3, retryBaseDelayMs: 1, retryMaxDelayMs: 1 },
    prepare: async () => undefined,
    bury: async () => undefined,
  });
  return { time, consumer };
}

describe('a consumer of Kafka whose client fails', () => {
  it('goes on with another client, and lets none begin again by itself', async () => {
    const client = scriptedClient();
    const { time, consumer } = begin(client, async () => undefined);
    await time.settle();
    client.join();
    client.crash();
    await time.settle();
    expect(client.asked).to.include('disconnect');
    await time.advance(1_000);
    expect(client.configs).to.have.length(2);
    for (const { retry } of client.configs)
      expect(await retry?.restartOnFailure?.(new Error('the connection is gone'))).to.equal(false);
    await consumer.stop();
    await time.advance(60_000);
    expect(client.configs).to.have.length(2);
  });
});

describe('a consumer of Kafka with too much to handle', () => {
  it('reads no further, nor with the client that comes after one that failed', async () => {
    const client = scriptedClient();
    let handle: () => void = () => undefined;
    const handled = new Promise<void>((resolve) => {
      handle = resolve;
    });
    const { time, consumer } = begin(client, () => handled);
    await time.settle();
    client.join();
    await client.give(300);
    expect(client.asked.at(-1)).to.equal(`pause ${topic} 0`);

    client.crash();
    await time.advance(1_000);
    client.asked.length = 0;
    client.join();
    await client.give(300);
    expect(client.asked).to.deep.equal([`pause ${topic} 0`]);

    client.asked.length = 0;
    handle();
    await time.settle();
    expect(client.asked).to.deep.equal([`resume ${topic} 0`]);
    await consumer.stop();
  });
});
