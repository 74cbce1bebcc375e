import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Bus } from '../../bus/bus.js';
import { busMessage } from '../../bus/contract-suite.js';
import { openRedisStreamsBus } from '../../bus/redis-streams-bus.js';
import { streamOf } from '../../bus/redis-streams-log.js';
import { MeshError } from '../../contract/error.js';
import { machineAmbient } from '../../runtime/ambient.js';
import { openRedisBuckets } from '../../store/redis-buckets.js';
import { openRedis, type Redis } from '../../store/redis-connection.js';
import { openRedisDocuments } from '../../store/redis-documents.js';
import { collectingLog } from '../../testing/collecting-log.js';
import { eventually } from '../../testing/eventually.js';
import { type LiveServer, startLiveServer } from '../../testing/live-server.js';
import { type TemporaryFolder, temporaryFolder } from '../../testing/temporary-folder.js';
import { loadShop } from '../loaded-shop.js';
import { redis as redisKind } from './redis.js';
import { redisUserNames, redisUsersFile } from './redis-users.js';

describe('the users of Redis', function () {
  this.timeout(30_000);
  const ambient = machineAmbient();
  const { manifests } = loadShop();
  const passwordOf = (user: string) => `password of ${user}`;
  let folder: TemporaryFolder;
  let server: LiveServer;
  const undo: (() => Promise<unknown> | unknown)[] = [];
  before(async () => {
    folder = temporaryFolder();
    const redisUsers = redisUsersFile({ manifests, bus: 'redis', passwordOf });
    server = await startLiveServer(redisKind, { redisUsers });
  });
  after(async () => {
    await server?.end();
    folder?.remove();
  });
  afterEach(async () => {
    for (const step of undo.splice(0).reverse()) await step();
  });

  const accessOf = (user: string) => {
    const passwordFile = join(folder.path, user);
    writeFileSync(passwordFile, passwordOf(user));
    return { url: server.url.replace('://', `://${user}@`), passwordFile, log: collectingLog() };
  };
  const connect = (user: string): Redis => {
    const client = openRedis({ ...accessOf(user), name: 'test' });
    undo.push(() => client.disconnect());
    return client;
  };
  const openBus = (user: string, groups: readonly string[] = []): Bus => {
    const bus = openRedisStreamsBus({
      ...accessOf(user),
      consumer: `${user}-1`,
      groupsOf: () => groups,
      ambient,
      redelivery: { maxAttempts: 2, retryBaseDelayMs: 1 },
      trimEveryMs: 20,
    });
    undo.push(() => bus.close());
    return bus;
  };
  const refused = async (work: Promise<unknown>) =>
    expect(await work.then(() => 'it was done', String)).to.match(/NOPERM/);

  it('are one for each service, each by its own password, and nobody comes in without one', async () => {
    const names = redisUserNames({ manifests, bus: 'redis' });
    expect(names).to.have.length(10);
    for (const name of names) expect(await connect(name).ping()).to.equal('PONG');
    const nobody = openRedis({ url: server.url, name: 'test', log: collectingLog() });
    expect(await nobody.get('x').catch(String)).to.match(/NOAUTH/);
    nobody.disconnect();
    const other = openRedis({
      ...accessOf('cart'),
      passwordFile: accessOf('order').passwordFile,
      name: 'test',
    });
    const said = await new Promise((resolve) => {
      other.once('error', (error) => resolve(String(error)));
    });
    other.disconnect();
    expect(said).to.match(/WRONGPASS/);
  });

  it('may do all that the bus does: publish, hear, give up, replay, count, cut off', async () => {
    const order = openBus('order', ['cart', 'notification']);
    const hearing = { cart: openBus('cart'), notification: openBus('notification') };
    const heard: string[] = [];
    let broken = true;
    for (const [group, bus] of Object.entries(hearing)) {
      await bus.subscribe({
        group,
        topics:
          group === 'cart' ? { order: ['test.Placed'] } : { order: ['test.Placed'], users: ['test.Placed'] },
        handle: async ({ id }) => {
          if (group === 'cart' && id === 'order-bad' && broken) throw new Error('no');
          heard.push(`${group} ${id}`);
        },
      });
    }
    await openBus('users').publish([busMessage('users-1', { topic: 'users' })]);
    await order.publish([busMessage('order-good'), busMessage('order-bad')]);
    await eventually(async () => (await hearing.cart.deadLetters('cart', 10)).length === 1);
    broken = false;
    await hearing.cart.replay('cart', 'order-bad');
    await eventually(() => heard.length === 5, { what: 'every delivery' });
    expect(heard).to.have.members([
      'cart order-good',
      'cart order-bad',
      'notification order-good',
      'notification order-bad',
      'notification users-1',
    ]);
    for (const [group, bus] of Object.entries(hearing)) {
      await eventually(async () => (await bus.lag(group)) === 0);
      await bus.probe();
    }
    const operator = connect('operator');
    await order.publish(Array.from({ length: 400 }, (_, number) => busMessage(`order-${number}`)));
    await eventually(async () => (await operator.xlen(streamOf('order'))) < 200, { withinMs: 10_000 });
  });

  it('may do all that documents and buckets do, each service with its own', async () => {
    const documents = openRedisDocuments({ redis: connect('cart'), service: 'cart', timers: ambient.timers });
    const data = new Uint8Array([1]);
    await documents.commit({
      changes: [{ key: 'c1', expectedVersion: 0, data }],
      inbox: { consumer: 'cart', messageId: 'order-1' },
    });
    expect((await documents.load('c1'))?.version).to.equal(1);
    expect(await documents.inboxHas('cart', 'order-1')).to.equal(true);
    await documents.probe();
    const buckets = openRedisBuckets({
      redis: connect('gateway'),
      service: 'gateway',
      timers: ambient.timers,
      withinMs: 1_000,
    });
    const limits = { tokensPerSecond: 1, burst: 1 };
    await eventually(() => buckets.take('client', limits).then(() => true));
    await refused(connect('order').hget('meshmart:{cart}:document:c1', 'd'));
    await refused(connect('gateway').hset('meshmart:{cart}:document:c1', 'd', 'x'));
    await refused(connect('cart').hset('meshmart:bucket:gateway:client', 'tokens', '9'));
  });

  it("write no stream of another service, and touch no other group's things", async () => {
    const cart = connect('cart');
    await refused(cart.xadd(streamOf('order'), '*', 'id', 'forged'));
    await refused(cart.xtrim(streamOf('order'), 'MAXLEN', 0));
    await refused(cart.del(streamOf('order')));
    await refused(cart.xrange('meshmart:bus:dead:notification', '-', '+'));
    await refused(cart.set('meshmart:bus:lease:notification', 'cart-1'));
    await refused(cart.set('meshmart:bus:seen:order-1', '1'));
    await refused(connect('payment').xrange(streamOf('order'), '-', '+'));
    const forged = await openBus('payment')
      .publish([busMessage('order-2')])
      .catch((error: unknown) => error);
    expect(MeshError.is(forged) && forged.code).to.equal('UNAVAILABLE');
    // What a script does is held against the same rules.
    const script = `return redis.call('XADD', KEYS[1], '*', 'id', 'forged')`;
    await refused(cart.eval(script, 1, streamOf('order')));
  });

  it('have no command that tells of others, changes the server or stops it', async () => {
    for (const user of redisUserNames({ manifests, bus: 'redis' })) {
      const client = connect(user);
      for (const [command, ...args] of [
        ['KEYS', '*'],
        ['SCAN', '0'],
        ['FLUSHALL'],
        ['CONFIG', 'GET', '*'],
        ['ACL', 'LIST'],
        ['CLIENT', 'LIST'],
        ['SHUTDOWN', 'NOSAVE'],
        ['MONITOR'],
        ['SCRIPT', 'FLUSH'],
        ['SUBSCRIBE', 'x'],
      ] as [string, ...string[]][])
        await refused(client.call(command, ...args));
    }
  });

  it('lose nothing when Redis is killed: it reads its file whoever may do what', async () => {
    const [order, cart] = [openBus('order', ['cart']), openBus('cart')];
    const hear = async (heard: string[]) =>
      cart.subscribe({
        group: 'cart',
        topics: { order: ['test.Placed'] },
        handle: async ({ id }) => void heard.push(id),
      });
    await (await hear([]))();
    const ids = Array.from({ length: 20 }, (_, number) => `order-kept-${number}`);
    for (const id of ids) await order.publish([busMessage(id)]);
    await server.kill();
    await server.start();
    const heard: string[] = [];
    await hear(heard);
    await eventually(() => expect(heard).to.have.members(ids));
    await eventually(async () => (await cart.lag('cart')) === 0);
  });

  it('are fewer where events go by another bus: only those who keep something in Redis', () => {
    expect(redisUserNames({ manifests, bus: 'kafka' })).to.have.members(['cart', 'gateway']);
    const text = redisUsersFile({ manifests, bus: 'kafka', passwordOf });
    expect(text).to.not.include('meshmart:bus:');
    expect(text).to.not.include(passwordOf('cart'));
  });
});
