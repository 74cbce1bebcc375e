import { expect } from 'chai';
import { machineAmbient } from '../runtime/ambient.js';
import { openRedis, type Redis } from '../store/redis-connection.js';
import { collectingLog } from '../testing/collecting-log.js';
import { eventually } from '../testing/eventually.js';
import { startTestRedis, type TestRedis } from '../testing/redis-server.js';
import type { Bus } from './bus.js';
import { busMessage } from './contract-suite.js';
import { busOutages } from './outage-suite.js';
import { openRedisStreamsBus } from './redis-streams-bus.js';
import { streamOf } from './redis-streams-log.js';

const trimEveryMs = 200;

busOutages('redis', { startServer: startTestRedis, takeoverWithinMs: 6_000, refusedWithinMs: 2_000 });

describe('streams that hold what they should not, or much', function () {
  this.timeout(90_000);
  const ambient = machineAmbient();
  let redis: TestRedis;
  let undo: (() => Promise<unknown> | unknown)[];
  let opened = 0;
  beforeEach(async () => {
    undo = [];
    redis = await startTestRedis();
  });
  afterEach(async () => {
    for (const step of undo.reverse()) await step();
    await redis.end();
  });

  const openBus = (): Bus => {
    opened += 1;
    const bus = openRedisStreamsBus({
      groupsOf: () => [],
      trimEveryMs,
      url: redis.url,
      consumer: `outage-${opened}`,
      ambient,
      log: collectingLog(),
    });
    undo.push(() => bus.close());
    return bus;
  };
  const connect = (): Redis => {
    const client = openRedis({ url: redis.url, name: 'test', log: collectingLog() });
    undo.push(() => client.disconnect());
    return client;
  };

  it('a read that was given up while Redis was away takes nothing when it is back', async () => {
    const client = connect();
    await client.xgroup('CREATE', streamOf('order'), 'mail', '0', 'MKSTREAM');
    await client.xadd(streamOf('order'), '*', 'id', 'm1');
    const reading = openRedis({ url: redis.url, name: 'reading', log: collectingLog() }, 500);
    undo.push(() => reading.disconnect());
    await reading.ping().catch(() => undefined);
    await eventually(() => expect(reading.status).to.equal('ready'));
    await redis.kill();
    await eventually(() => expect(reading.status).to.not.equal('ready'));
    const read = reading.xreadgroup('GROUP', 'mail', 'gone', 'COUNT', 1, 'STREAMS', streamOf('order'), '>');
    expect(await read.catch(() => 'given up')).to.equal('given up');
    await redis.start();
    // Commands of one connection are sent in turn.
    await eventually(() => reading.ping());
    expect((await client.xpending(streamOf('order'), 'mail'))[0]).to.equal(0);
  });

  it('garbage of every kind in a stream stops nobody', async () => {
    const bus = openBus();
    const heard: string[] = [];
    const client = connect();
    await client.xadd(streamOf('order'), '*', 'what', 'is this');
    await client.xadd(
      streamOf('order'),
      '*',
      'id',
      'x',
      'type',
      'test.Placed',
      'key',
      'k',
      'data',
      'd',
      'at',
      'never',
    );
    await client.xadd(streamOf('order'), '*', 'id', '', 'type', '', 'key', '', 'data', '', 'at', '');
    await client.xadd(streamOf('order'), '*', Buffer.from([0xff, 0]), Buffer.alloc(100_000, 0xff));
    await bus.subscribe({
      group: 'mail',
      topics: { order: ['test.Placed'] },
      handle: async ({ id }) => {
        heard.push(id);
      },
    });
    await bus.publish([busMessage('good')]);
    await eventually(() => heard.includes('good'), { withinMs: 5_000 });
    await eventually(async () => (await bus.lag('mail')) === 0, { withinMs: 5_000 });
    expect(heard).to.deep.equal(['good']);
  });

  it('a group that lags keeps what it needs: nothing unacknowledged is cut off', async () => {
    const [slow, fast] = [openBus(), openBus()];
    const heard: string[] = [];
    let release: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    await slow.subscribe({
      group: 'slow',
      topics: { order: ['test.Placed'] },
      handle: async ({ id }) => {
        await gate;
        heard.push(id);
      },
    });
    let fastHeard = 0;
    await fast.subscribe({
      group: 'fast',
      topics: { order: ['test.Placed'] },
      handle: async () => {
        fastHeard += 1;
      },
    });
    const total = 3_000;
    for (let from = 0; from < total; from += 100) {
      await fast.publish(Array.from({ length: 100 }, (_, number) => busMessage(`m${from + number}`)));
    }
    await eventually(() => fastHeard === total, { withinMs: 20_000 });
    // The bus has cut several times by then.
    await ambient.timers.sleep(trimEveryMs * 5);
    expect(await connect().xlen(streamOf('order'))).to.equal(total);
    release();
    await eventually(() => heard.length === total, { withinMs: 20_000 });
    await eventually(async () => (await connect().xlen(streamOf('order'))) < 300, {
      withinMs: 15_000,
      everyMs: 500,
    });
  });
});
