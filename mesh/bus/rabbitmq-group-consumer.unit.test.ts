import { EventEmitter } from 'node:events';
import type { Channel, ConsumeMessage } from 'amqplib';
import { expect } from 'chai';
import { collectingLog } from '../testing/collecting-log.js';
import { virtualClock } from '../testing/virtual-clock.js';
import { busMessage } from './contract-suite.js';
import { headersOf } from './message-headers.js';
import type { RabbitmqConnection } from './rabbitmq-connection.js';
import { startRabbitmqGroupConsumer } from './rabbitmq-group-consumer.js';
import { rabbitmqNames } from './rabbitmq-topology.js';

/** A channel that refuses all as soon as it is being closed, as that of amqplib does. */
function scriptedChannel() {
  const events = new EventEmitter();
  let deliver: (came: ConsumeMessage | null) => void = () => undefined;
  let closing = false;
  const acknowledged: number[] = [];
  const channel = Object.assign(events, {
    assertQueue: async () => undefined,
    assertExchange: async () => undefined,
    bindQueue: async () => undefined,
    prefetch: async () => undefined,
    consume: async (_: string, listener: typeof deliver) => {
      deliver = listener;
    },
    ack: ({ fields }: ConsumeMessage) => {
      if (closing) throw new Error('Channel closing');
      acknowledged.push(fields.deliveryTag);
    },
    close: async () => {
      closing = true;
      // The answer of the server is on its way.
      await new Promise((resolve) => setImmediate(resolve));
      events.emit('close');
    },
  });
  return {
    channel: channel as unknown as Channel,
    acknowledged,
    give: (deliveryTag: number) => {
      const message = busMessage(`m${deliveryTag}`);
      const came = { fields: { deliveryTag }, properties: { headers: headersOf(message) } };
      deliver({ ...came, content: Buffer.from(message.data) } as unknown as ConsumeMessage);
    },
    cancel: () => deliver(null),
    lose: () => {
      closing = true;
      events.emit('close');
    },
  };
}

describe('a consumer of RabbitMQ whose channel ends while it handles a message', () => {
  for (const [end, how] of [
    ['cancel', 'because RabbitMQ has ended the consumer'],
    ['lose', 'with its connection'],
  ] as const) {
    it(`does not count as failed what was handled (${how})`, async () => {
      const time = virtualClock();
      const first = scriptedChannel();
      const channels = [first.channel, scriptedChannel().channel];
      const buried: string[] = [];
      let handle: () => void = () => undefined;
      const handled = new Promise<void>((resolve) => {
        handle = resolve;
      });
      const consumer = startRabbitmqGroupConsumer({
        connection: { channel: async () => channels.shift() } as unknown as RabbitmqConnection,
        names: rabbitmqNames('shop'),
        subscription: { group: 'mail', topics: { order: ['test.Placed'] }, handle: () => handled },
        ambient: time,
        log: collectingLog(),
        redelivery: { maxAttempts: 1, retryBaseDelayMs: 1, retryMaxDelayMs: 1 },
        bury: async ({ id }) => void buried.push(id),
      });
      await time.settle();
      first.give(1);
      // In the turn of the event loop in which the channel ends, and before anybody else has heard of it.
      handle();
      first[end]();
      await time.settle();
      expect(buried).to.deep.equal([]);
      expect(first.acknowledged).to.deep.equal([]);
      await consumer.stop();
    });
  }
});
