import { expect } from 'chai';
import { MeshError } from '../contract/error.js';
import { machineAmbient } from '../runtime/ambient.js';
import { leaseIn } from '../store/lease.js';
import { openRedis, type Redis } from '../store/redis-connection.js';
import { openSqliteStore } from '../store/sqlite-store.js';
import type { Store } from '../store/store.js';
import { collectingLog } from '../testing/collecting-log.js';
import { eventually } from '../testing/eventually.js';
import { startTestRedis, type TestRedis } from '../testing/redis-server.js';
import type { Bus } from './bus.js';
import { handleOnce } from './consumer.js';
import { busMessage } from './contract-suite.js';
import { startOutboxRelay } from './outbox-relay.js';
import { openRedisStreamsBus } from './redis-streams-bus.js';
import { streamOf } from './redis-streams-log.js';

const trimEveryMs = 200;

describe('events from outbox to inbox while Redis dies', function () {
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
  const openStore = (service: string, schema: readonly string[] = []): Store => {
    const store = openSqliteStore({ path: ':memory:', service, schema, clock: ambient.clock });
    undo.push(() => store.close());
    return store;
  };
  const connect = (): Redis => {
    const client = openRedis({ url: redis.url, name: 'test', log: collectingLog() });
    undo.push(() => client.disconnect());
    return client;
  };

  it('each has its effect once, in the order of its key, on whichever consumer', async () => {
    const total = 400;
    const source = openStore('order');
    const sink = openStore('mail', [
      'CREATE TABLE heard (at INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT, number INTEGER)',
    ]);
    let deliveries = 0;
    const consumers = [openBus(), openBus()];
    for (const bus of consumers) {
      await bus.subscribe({
        group: 'mail',
        topics: { order: ['test.Placed'] },
        handle: (delivery) => {
          deliveries += 1;
          return handleOnce(sink, 'mail', delivery, async () => ({
            statements: [
              {
                sql: 'INSERT INTO heard (key, number) VALUES (?, ?)',
                values: [delivery.key, Buffer.from(delivery.data).readUInt16BE()],
              },
            ],
          }));
        },
      });
    }
    for (const holder of ['order-1', 'order-2']) {
      undo.push(
        startOutboxRelay({
          store: source,
          bus: openBus(),
          topic: 'order',
          timers: ambient.timers,
          log: collectingLog(),
          lease: leaseIn({ store: source, name: 'outbox', holder, clock: ambient.clock, lastsMs: 2_000 }),
        }),
      );
    }
    const writing = (async () => {
      for (let number = 0; number < total; number += 1) {
        const data = Buffer.alloc(2);
        data.writeUInt16BE(number);
        await source.commit({ outbox: [{ type: 'test.Placed', key: `k${number % 9}`, data }] });
        await ambient.timers.sleep(10);
      }
    })();
    for (let life = 0; life < 4; life += 1) {
      await ambient.timers.sleep(500);
      await redis.kill();
      // One consumer leaves for good while Redis is away, so that it can't give its lease back.
      if (life === 2) await consumers[0]?.close();
      await ambient.timers.sleep(200);
      await redis.start();
    }
    await writing;
    const heard = async () =>
      sink.query<{ key: string; number: number }>({ sql: 'SELECT key, number FROM heard ORDER BY at' });
    await eventually(async () => (await heard()).length >= total, {
      withinMs: 30_000,
      everyMs: 50,
      what: 'all effects',
    });
    const rows = await heard();
    expect(rows).to.have.length(total);
    expect(deliveries).to.be.at.least(total);
    for (let key = 0; key < 9; key += 1) {
      const numbers = rows.filter((row) => row.key === `k${key}`).map(({ number }) => number);
      expect(numbers).to.deep.equal(
        Array.from({ length: total }, (_, number) => number).filter((number) => number % 9 === key),
      );
    }
    await eventually(async () => (await consumers[1]?.lag('mail')) === 0, { withinMs: 10_000 });
    expect(await consumers[1]?.deadLetters('mail', 10)).to.deep.equal([]);
  });

  it('publishing is UNAVAILABLE within 2 s while Redis is away', async () => {
    const bus = openBus();
    await bus.publish([busMessage('before')]);
    await redis.kill();
    const startedMs = performance.now();
    const error = await bus.publish([busMessage('away')]).catch((thrown: unknown) => thrown);
    expect(MeshError.is(error) && error.code).to.equal('UNAVAILABLE');
    expect(performance.now() - startedMs).to.be.below(2_000);
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
