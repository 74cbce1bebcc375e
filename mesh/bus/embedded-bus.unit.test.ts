import { join } from 'node:path';
import { expect } from 'chai';
import { machineAmbient } from '../runtime/ambient.js';
import { StartupError } from '../runtime/startup-error.js';
import { openLogFile } from '../store/log-file.js';
import { openSqliteDatabase } from '../store/sqlite-database.js';
import { collectingLog } from '../testing/collecting-log.js';
import { eventually } from '../testing/eventually.js';
import { temporaryFolder } from '../testing/temporary-folder.js';
import { virtualClock } from '../testing/virtual-clock.js';
import type { Bus, Delivery } from './bus.js';
import { type BusSetup, busContract, busMessage } from './contract-suite.js';
import { openEmbeddedBus } from './embedded-bus.js';
import { createEmbeddedLog } from './embedded-log.js';
import { startGroupConsumer } from './group-consumer.js';

function setup(path: string, remove: () => void, openLog?: typeof openLogFile): BusSetup {
  const opened: Bus[] = [];
  return {
    open: async (redelivery) => {
      const ambient = machineAmbient();
      const bus = openEmbeddedBus({ path, ambient, log: collectingLog(), redelivery, openLog });
      opened.push(bus);
      return bus;
    },
    close: async () => {
      // A bus that a test has closed is closed: there is no more to it.
      for (const bus of opened) await bus.close().catch(() => undefined);
      remove();
    },
  };
}

busContract('embedded, in a file', true, () => {
  const folder = temporaryFolder();
  return setup(join(folder.path, 'bus.db'), () => folder.remove());
});

busContract('embedded, in a file, its commits synced together', true, () => {
  const folder = temporaryFolder();
  return setup(join(folder.path, 'bus.db'), () => folder.remove(), openLogFile);
});

busContract('embedded, in memory', false, () => setup(':memory:', () => undefined));

describe('the embedded bus', () => {
  it('begins at once, and waits longer from attempt to attempt', async () => {
    const time = virtualClock();
    const log = collectingLog();
    const bus = openEmbeddedBus({
      path: ':memory:',
      ambient: time,
      log,
      redelivery: { maxAttempts: 4, retryBaseDelayMs: 100, retryMaxDelayMs: 150 },
    });
    const atMs: number[] = [];
    await bus.subscribe({
      group: 'mail',
      topics: { order: ['test.Placed'] },
      handle: async () => {
        atMs.push(time.clock.monotonicMs());
        throw new Error('no');
      },
    });
    await bus.publish([busMessage('m1')]);
    await time.settle();
    expect(atMs).to.deep.equal([0]);
    await time.advance(1_000);
    const pauses = atMs.slice(1).map((at, index) => at - (atMs[index] ?? 0));
    expect(pauses).to.have.length(3);
    expect(pauses[0]).to.be.within(50, 100);
    for (const pause of pauses.slice(1)) expect(pause).to.be.within(75, 150);
    expect(log.lines.map((line) => line.level)).to.deep.equal(['warn', 'warn', 'warn', 'error']);
    expect(log.lines.at(-1)?.fields).to.deep.include({ group: 'mail', message_id: 'm1', attempt: 4 });
    await bus.close();
    expect(time.pendingTimers()).to.equal(0);
  });

  it('leaves no timer behind when it is closed during a wait', async () => {
    const time = virtualClock();
    const bus = openEmbeddedBus({ path: ':memory:', ambient: time, log: collectingLog() });
    await bus.subscribe({
      group: 'mail',
      topics: { order: ['test.Placed'] },
      handle: () => Promise.reject(new Error('no')),
    });
    await bus.publish([busMessage('m1')]);
    await time.settle();
    await bus.close();
    expect(time.pendingTimers()).to.equal(0);
  });

  it('handles at most 8 keys at a time', async () => {
    const time = virtualClock();
    const bus = openEmbeddedBus({ path: ':memory:', ambient: time, log: collectingLog() });
    const releases: (() => void)[] = [];
    await bus.subscribe({
      group: 'mail',
      topics: { order: ['test.Placed'] },
      handle: () => new Promise((resolve) => releases.push(resolve)),
    });
    await bus.publish(Array.from({ length: 20 }, (_, number) => busMessage(`m${number}`)));
    await time.settle();
    expect(releases).to.have.length(8);
    releases[0]?.();
    await time.settle();
    expect(releases).to.have.length(9);
    const closed = bus.close();
    for (const release of releases) release();
    await closed;
  });

  it('goes on when a group no longer wants a topic of which much is left', async () => {
    const bus = openEmbeddedBus({ path: ':memory:', ambient: machineAmbient(), log: collectingLog() });
    const heard: Delivery[] = [];
    const handle = async (delivery: Delivery) => {
      heard.push(delivery);
    };
    const stop = await bus.subscribe({
      group: 'mail',
      topics: { order: ['test.Placed'], stock: ['test.Moved'] },
      handle,
    });
    await stop();
    const left = Array.from({ length: 300 }, (_, number) =>
      busMessage(`s${number}`, { topic: 'stock', type: 'test.Moved' }),
    );
    await bus.publish([...left, busMessage('m1')]);
    await bus.subscribe({ group: 'mail', topics: { order: ['test.Placed'] }, handle });
    await eventually(async () => (await bus.lag('mail')) === 0);
    expect(heard.map((delivery) => delivery.id)).to.deep.equal(['m1']);
    await bus.close();
  });

  it('has published when the message is on the disk, and delivers it then', async () => {
    const folder = temporaryFolder();
    const syncs: (() => void)[] = [];
    const bus = openEmbeddedBus({
      path: join(folder.path, 'bus.db'),
      ambient: machineAmbient(),
      log: collectingLog(),
      openLog: (path) => ({
        ...openLogFile(path),
        sync: () => new Promise((resolve) => void syncs.push(resolve)),
      }),
    });
    const heard: string[] = [];
    await bus.subscribe({
      group: 'mail',
      topics: { order: ['test.Placed'] },
      handle: async ({ id }) => void heard.push(id),
    });
    let published = false;
    const work = bus.publish([busMessage('m1')]).then(() => {
      published = true;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect([published, heard]).to.deep.equal([false, []]);
    await eventually(() => {
      syncs.shift()?.();
      expect([published, heard]).to.deep.equal([true, ['m1']]);
    });
    await work;
    await bus.close();
    folder.remove();
  });

  it('takes no second subscription of a group, nor a new one before the old one has ended', async () => {
    const bus = openEmbeddedBus({ path: ':memory:', ambient: machineAmbient(), log: collectingLog() });
    const subscription = { group: 'mail', topics: { order: ['test.Placed'] }, handle: async () => undefined };
    const stop = await bus.subscribe(subscription);
    const refused = async () => String(await bus.subscribe(subscription).catch((error: unknown) => error));
    expect(await refused()).to.include('mail');
    const stopped = stop();
    expect(await refused()).to.include('mail');
    await stopped;
    await (await bus.subscribe(subscription))();
    await bus.close();
  });

  it('says in one line which file is no database', () => {
    const folder = temporaryFolder();
    const path = folder.write('bus.db', 'no database at all, but long enough to be looked at. '.repeat(40));
    expect(() => openEmbeddedBus({ path, ambient: machineAmbient(), log: collectingLog() }))
      .to.throw(StartupError)
      .with.property('message')
      .that.includes(path);
    folder.remove();
  });
});

describe('the log of the embedded bus', () => {
  it('deletes what every group has handled, and keeps dead letters', () => {
    const database = openSqliteDatabase(':memory:');
    const log = createEmbeddedLog(database);
    const kept = () =>
      database
        .prepare('SELECT id FROM messages ORDER BY position')
        .all()
        .map((row) => row['id']);
    log.register('mail', ['order']);
    log.register('advice', ['order']);
    log.append(['m1', 'm2', 'm3'].map((id) => busMessage(id)));
    log.acknowledge('mail', [1, 2]);
    log.acknowledge('advice', [1]);
    const [dead] = log.read('advice', 2, 1);
    if (dead === undefined) return expect.fail('m3 is not there');
    log.bury('advice', dead, { attempts: 8, lastError: 'no', failedAtMs: 1 });
    log.acknowledge('mail', [3]);
    log.prune();
    expect(kept()).to.deep.equal(['m2', 'm3']);
    log.acknowledge('advice', [2]);
    log.prune();
    expect(kept()).to.deep.equal(['m3']);
    expect(log.revive('advice', 'm3')).to.deep.equal(dead);
    log.acknowledge('advice', [3]);
    log.prune();
    expect(kept()).to.deep.equal([]);
    database.close();
  });
});

describe('a group of the embedded bus whose database fails for a while', () => {
  for (const operation of ['read', 'acknowledge', 'bury'] as const) {
    it(`goes on after a failure to ${operation}`, async () => {
      const time = virtualClock();
      const database = openSqliteDatabase(':memory:');
      const log = createEmbeddedLog(database);
      const logger = collectingLog();
      let failures = 2;
      const fails = <A extends unknown[], R>(work: (...given: A) => R) => {
        return (...given: A): R => {
          failures -= 1;
          if (failures >= 0) throw new Error('database or disk is full');
          return work(...given);
        };
      };
      log.register('mail', ['order']);
      log.append([busMessage('m1')]);
      const consumer = startGroupConsumer({
        log: { ...log, [operation]: fails(log[operation] as (...given: unknown[]) => unknown) },
        subscription: {
          group: 'mail',
          topics: { order: ['test.Placed'] },
          handle: () => (operation === 'bury' ? Promise.reject(new Error('no')) : Promise.resolve()),
        },
        ambient: time,
        logger,
        redelivery: { maxAttempts: 1, retryBaseDelayMs: 10, retryMaxDelayMs: 10 },
      });
      consumer.wake();
      await time.advance(10_000);
      expect(log.lag('mail')).to.equal(0);
      expect(log.deadLetters('mail', 10)).to.have.length(operation === 'bury' ? 1 : 0);
      expect(logger.lines.filter((line) => line.level === 'warn')).to.have.length(2);
      await consumer.stop();
      expect(time.pendingTimers()).to.equal(0);
      database.close();
    });
  }
});
