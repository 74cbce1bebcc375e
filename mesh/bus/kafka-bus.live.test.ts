import { expect } from 'chai';
import { Kafka, logLevel, Partitioners } from 'kafkajs';
import { machineAmbient } from '../runtime/ambient.js';
import { kafka } from '../shape/servers/kafka.js';
import { collectingLog } from '../testing/collecting-log.js';
import { eventually } from '../testing/eventually.js';
import { type LiveServer, startLiveServer } from '../testing/live-server.js';
import type { Bus, RedeliveryPolicy } from './bus.js';
import { busContract, busMessage } from './contract-suite.js';
import { openKafkaBus } from './kafka-bus.js';

let opened = 0;

describe('the bus on Kafka', function () {
  this.timeout(60_000);
  let server: LiveServer;
  before(async function () {
    this.timeout(120_000);
    server = await startLiveServer(kafka);
  });
  after(() => server?.end());

  const openBus = (prefix: string, redelivery?: RedeliveryPolicy): Bus =>
    openKafkaBus({
      brokers: server.url,
      name: 'test',
      prefix,
      groupsOf: () => ['mail'],
      ambient: machineAmbient(),
      log: collectingLog(),
      ...(redelivery === undefined ? {} : { redelivery }),
    });

  busContract('Kafka', true, () => {
    opened += 1;
    const prefix = `test-${opened}`;
    const buses: Bus[] = [];
    return {
      open: async (redelivery) => {
        const bus = openBus(prefix, redelivery);
        buses.push(bus);
        return bus;
      },
      close: async () => {
        for (const bus of buses) await bus.close();
      },
    };
  });

  const listen = async (bus: Bus, group = 'mail') => {
    const ids: string[] = [];
    await bus.subscribe({
      group,
      topics: { order: ['test.Placed'] },
      handle: async ({ id }) => {
        ids.push(id);
      },
    });
    return ids;
  };

  it('passes over a record that is no event', async () => {
    const bus = openBus('garbage');
    const ids = await listen(bus);
    await bus.publish([busMessage('g1')]);
    await eventually(() => ids.includes('g1'), { withinMs: 20_000 });
    const producer = client().producer({ createPartitioner: Partitioners.DefaultPartitioner });
    await producer.connect();
    await producer.send({
      topic: 'garbage.topic.order',
      messages: [
        { value: null },
        { value: Buffer.alloc(100_000, 0xff) },
        { value: 'x', headers: { id: 'x', topic: 'order', type: 'test.Placed', at: 'never' } },
        { key: 'k', value: 'x', headers: { id: ['x', 'y'] } },
      ],
    });
    await producer.disconnect();
    await bus.publish([busMessage('g2')]);
    await eventually(() => ids.includes('g2'), { withinMs: 20_000 });
    await eventually(async () => (await bus.lag('mail')) === 0, { withinMs: 10_000 });
    expect(ids).to.deep.equal(['g1', 'g2']);
    await bus.close();
  });

  it('keeps everything for a group that has not begun, and deletes what all have handled', async () => {
    const bus = openKafkaBus({
      brokers: server.url,
      name: 'trimming',
      prefix: 'trimming',
      groupsOf: () => ['early', 'late'],
      ambient: machineAmbient(),
      log: collectingLog(),
      trimEveryMs: 50,
    });
    const admin = client().admin();
    await admin.connect();
    const kept = async () => {
      const offsets = await admin.fetchTopicOffsets('trimming.topic.order');
      return offsets.reduce((sum, { low, high }) => sum + Number(high) - Number(low), 0);
    };
    const early = await listen(bus, 'early');
    await bus.publish(Array.from({ length: 100 }, (_, number) => busMessage(`t${number}`)));
    await eventually(() => early.length === 100, { withinMs: 20_000 });
    await eventually(async () => (await bus.lag('early')) === 0, { withinMs: 10_000 });
    // It has had its chances to delete by then.
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(await kept()).to.equal(100);
    const late = await listen(bus, 'late');
    await eventually(() => late.length === 100, { withinMs: 20_000 });
    await eventually(async () => (await kept()) === 0, { withinMs: 10_000 });
    await admin.disconnect();
    await bus.close();
  });

  it('shares the partitions among processes, each key in order on one of them', async () => {
    const buses = [openBus('sharing'), openBus('sharing')];
    const heard: { by: number; key: string; id: string }[] = [];
    for (const [by, bus] of buses.entries()) {
      await bus.subscribe({
        group: 'mail',
        topics: { order: ['test.Placed'] },
        handle: async ({ key, id }) => {
          heard.push({ by, key, id });
        },
      });
    }
    const publisher = openBus('sharing');
    let sent = 0;
    // Until both have their share.
    await eventually(
      async () => {
        await publisher.publish(
          Array.from({ length: 8 }, (_, key) => busMessage(`s${sent}-${key}`, { key: `k${key}` })),
        );
        sent += 1;
        const last = heard.slice(-8);
        return new Set(last.map(({ by }) => by)).size === 2;
      },
      { withinMs: 30_000, everyMs: 100 },
    );
    await eventually(() => new Set(heard.map(({ id }) => id)).size === sent * 8, { withinMs: 20_000 });
    for (let key = 0; key < 8; key += 1) {
      const ids = [...new Set(heard.filter((one) => one.key === `k${key}`).map(({ id }) => id))];
      expect(ids).to.deep.equal(Array.from({ length: sent }, (_, number) => `s${number}-${key}`));
    }
    for (const bus of [...buses, publisher]) await bus.close();
  });

  const client = () => new Kafka({ brokers: [server.url], logLevel: logLevel.NOTHING });
});
