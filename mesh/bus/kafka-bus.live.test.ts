import { expect } from 'chai';
import { Kafka, logLevel, Partitioners } from 'kafkajs';
import { machineAmbient } from '../runtime/ambient.js';
import { kafka } from '../shape/servers/kafka.js';
import { collectingLog } from '../testing/collecting-log.js';
import { eventually } from '../testing/eventually.js';
import { type LiveServer, startLiveServer } from '../testing/live-server.js';
import type { Bus } from './bus.js';
import { busContract, busMessage } from './contract-suite.js';
import { type KafkaBusOptions, openKafkaBus } from './kafka-bus.js';

let opened = 0;

describe('the bus on Kafka', function () {
  this.timeout(60_000);
  let server: LiveServer;
  before(async function () {
    this.timeout(120_000);
    server = await startLiveServer(kafka);
  });
  after(() => server?.end());

  let buses: Bus[] = [];
  afterEach(async () => {
    // One that a test leaves open after a failure would keep the process alive.
    for (const bus of buses) await bus.close();
    buses = [];
  });
  const openBus = (prefix: string, options: Partial<KafkaBusOptions> = {}): Bus => {
    const bus = openKafkaBus({
      brokers: server.url,
      name: 'test',
      prefix,
      groupsOf: () => ['mail'],
      ambient: machineAmbient(),
      log: collectingLog(),
      ...options,
    });
    buses.push(bus);
    return bus;
  };

  busContract('Kafka', true, () => {
    opened += 1;
    const prefix = `test-${opened}`;
    return {
      open: async (redelivery) => openBus(prefix, redelivery === undefined ? {} : { redelivery }),
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
  });

  it('keeps everything for a group that has not begun, and deletes what all have handled', async () => {
    const bus = openBus('trimming', { groupsOf: () => ['early', 'late'], trimEveryMs: 50 });
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
  });

  it('deletes what was replayed and handled', async () => {
    let ill = true;
    const bus = openBus('replayed', { redelivery: { maxAttempts: 1 }, trimEveryMs: 50 });
    await bus.subscribe({
      group: 'mail',
      topics: { order: ['test.Placed'] },
      handle: async () => {
        if (ill) throw new Error('no');
      },
    });
    await bus.publish([busMessage('r1'), busMessage('r2')]);
    await eventually(async () => (await bus.deadLetters('mail', 10)).length === 2, { withinMs: 20_000 });
    ill = false;
    await bus.replay('mail', 'r1');
    await bus.replay('mail', 'r2');
    const admin = client().admin();
    await admin.connect();
    await eventually(
      async () => {
        const offsets = await admin.fetchTopicOffsets('replayed.replay.mail');
        const ends = offsets.map(({ low, high }) => [Number(low), Number(high)] as const);
        expect(ends.reduce((sum, [, high]) => sum + high, 0)).to.equal(2);
        expect(ends.every(([low, high]) => low === high)).to.equal(true);
      },
      { withinMs: 20_000, everyMs: 50 },
    );
    await admin.disconnect();
  });

  it('keeps only the oldest dead letters in memory, and finds the others when those are gone', async () => {
    const bus = openBus('many', { redelivery: { maxAttempts: 1 }, keptLetters: { letters: 4 } });
    const replayed: string[] = [];
    let ill = true;
    await bus.subscribe({
      group: 'mail',
      topics: { order: ['test.Placed'] },
      handle: async ({ id }) => {
        if (ill) throw new Error('no');
        replayed.push(id);
      },
    });
    const all = Array.from({ length: 7 }, (_, number) => `d${number}`);
    // One key: they are given up in this order.
    await bus.publish(all.map((id) => busMessage(id, { key: 'k' })));
    await eventually(async () => (await bus.lag('mail')) === 0, { withinMs: 20_000 });
    ill = false;
    const ids = async () => (await bus.deadLetters('mail', 10)).map(({ message }) => message.id);
    expect(await ids()).to.deep.equal(['d0', 'd1', 'd2', 'd3']);
    await bus.replay('mail', 'd0');
    await bus.replay('mail', 'd1');
    expect(await ids()).to.deep.equal(['d2', 'd3', 'd4', 'd5']);
    for (const id of ['d2', 'd3', 'd4', 'd5']) await bus.replay('mail', id);
    expect(await ids()).to.deep.equal(['d6']);
    await eventually(() => replayed.length === 6, { withinMs: 20_000 });
  });

  it('shares the partitions among processes, each key in order on one of them', async () => {
    const heard: { by: number; key: string; id: string }[] = [];
    for (const [by, bus] of [openBus('sharing'), openBus('sharing')].entries()) {
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
  });

  const client = () => new Kafka({ brokers: [server.url], logLevel: logLevel.NOTHING });
});
