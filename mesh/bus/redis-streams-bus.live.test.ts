import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { MeshError } from '../contract/error.js';
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

  it('delivers to one of two processes, and the other takes over, in order, what a killed one left', async () => {
    const program = fileURLToPath(new URL('./consume-until-killed.test.ts', import.meta.url));
    const child = spawn(process.execPath, ['--import=tsx', program, redis.url, 'doomed', '1'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let heard = '';
    child.stdout.on('data', (chunk: Buffer) => {
      heard += chunk.toString();
    });
    const publisher = openBus(redis.url);
    await publisher.publish([busMessage('t1', { key: 'k' })]);
    await eventually(() => heard === 't1\n', { withinMs: 15_000 });
    const second = openBus(redis.url);
    const ids = await listen(second);
    await publisher.publish([busMessage('t2', { key: 'k' }), busMessage('t3', { key: 'k' })]);
    await eventually(() => heard === 't1\nt2\n', { withinMs: 5_000 });
    expect(ids).to.deep.equal([]);
    child.kill('SIGKILL');
    await eventually(() => ids.length === 2, { withinMs: 6_000 });
    expect(ids).to.deep.equal(['t2', 't3']);
    await second.close();
    await publisher.close();
  });

  it('loses nothing when Redis is killed between publishing and delivery, and goes on by itself', async () => {
    const bus = openBus(redis.url);
    const ids = await listen(bus);
    await bus.publish([busMessage('k1')]);
    await eventually(() => ids.includes('k1'), { withinMs: 5_000 });
    await redis.kill();
    const failure = await bus.publish([busMessage('k2')]).catch((error: unknown) => error);
    expect(MeshError.is(failure) && failure.code).to.equal('UNAVAILABLE');
    await redis.start();
    await eventually(() => bus.publish([busMessage('k2')]).then(() => true), { withinMs: 5_000 });
    await eventually(() => ids.includes('k2'), { withinMs: 8_000 });
    await bus.close();
  });

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
