import { machineAmbient } from '../runtime/ambient.js';
import { openRedis } from '../store/redis-connection.js';
import { collectingLog } from '../testing/collecting-log.js';
import { eventually } from '../testing/eventually.js';
import { startTestRedis, type TestRedis } from '../testing/redis-server.js';
import type { Bus, RedeliveryPolicy } from './bus.js';
import { busContract, busMessage } from './contract-suite.js';
import { openRedisStreamsBus } from './redis-streams-bus.js';
import { streamOf } from './redis-streams-log.js';

let opened = 0;
const openBus = (url: string, redelivery?: RedeliveryPolicy): Bus => {
  opened += 1;
  return openRedisStreamsBus({
    url,
    consumer: `test-${opened}`,
    groupsOf: () => ['mail'],
    ambient: machineAmbient(),
    log: collectingLog(),
    ...(redelivery === undefined ? {} : { redelivery }),
  });
};

describe('the bus on Redis Streams', function () {
  this.timeout(30_000);
  let redis: TestRedis;
  before(async () => {
    redis = await startTestRedis();
  });
  after(() => redis?.end());

  busContract('Redis Streams', true, () => {
    const buses: Bus[] = [];
    return {
      open: async (redelivery) => {
        const bus = openBus(redis.url, redelivery);
        buses.push(bus);
        return bus;
      },
      close: async () => {
        for (const bus of buses) await bus.close();
        const client = openRedis({ url: redis.url, name: 'test', log: collectingLog() });
        await client.flushall();
        client.disconnect();
      },
    };
  });

  const listen = async (bus: Bus) => {
    const ids: string[] = [];
    await bus.subscribe({
      group: 'mail',
      topics: { order: ['test.Placed'] },
      handle: async (delivery) => {
        ids.push(delivery.id);
      },
    });
    return ids;
  };

  it('keeps everything for a group that has not begun, and cuts off what all have handled', async () => {
    const bus = openRedisStreamsBus({
      url: redis.url,
      consumer: 'trimming',
      groupsOf: () => ['early', 'late'],
      ambient: machineAmbient(),
      log: collectingLog(),
      trimEveryMs: 20,
    });
    const client = openRedis({ url: redis.url, name: 'test', log: collectingLog() });
    const topics = { parcel: ['test.Placed'] };
    const heard = { early: 0, late: 0 };
    const begin = (group: 'early' | 'late') =>
      bus.subscribe({
        group,
        topics,
        handle: async () => {
          heard[group] += 1;
        },
      });
    await begin('early');
    const messages = Array.from({ length: 500 }, (_, n) => busMessage(`trim-${n}`, { topic: 'parcel' }));
    await bus.publish(messages);
    await eventually(() => heard.early === 500, { withinMs: 5_000 });
    await new Promise((resolve) => setTimeout(resolve, 100));
    await begin('late');
    await eventually(() => heard.late === 500, { withinMs: 8_000 });
    await eventually(async () => (await client.xlen(streamOf('parcel'))) < 200, { withinMs: 5_000 });
    client.disconnect();
    await bus.close();
  });

  it('passes over an entry that is no event', async () => {
    const bus = openBus(redis.url);
    const client = openRedis({ url: redis.url, name: 'test', log: collectingLog() });
    await client.xadd(streamOf('order'), '*', 'what', 'is this');
    const ids = await listen(bus);
    await bus.publish([busMessage('g1')]);
    await eventually(() => ids.includes('g1'), { withinMs: 5_000 });
    await eventually(async () => (await bus.lag('mail')) === 0, { withinMs: 5_000 });
    client.disconnect();
    await bus.close();
  });
});
