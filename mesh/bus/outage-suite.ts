import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { MeshError } from '../contract/error.js';
import { machineAmbient } from '../runtime/ambient.js';
import { leaseIn } from '../store/lease.js';
import { openSqliteStore } from '../store/sqlite-store.js';
import type { Store } from '../store/store.js';
import { collectingLog } from '../testing/collecting-log.js';
import { eventually } from '../testing/eventually.js';
import type { LiveServer } from '../testing/live-server.js';
import type { Bus } from './bus.js';
import { handleOnce } from './consumer.js';
import { busMessage } from './contract-suite.js';
import { startOutboxRelay } from './outbox-relay.js';
import { openSharedBus, type SharedBus } from './shared-bus.js';

/** What differs from bus to bus. */
export interface OutageOptions {
  /** A real server, which the tests kill. */
  startServer(): Promise<Pick<LiveServer, 'url' | 'kill' | 'start' | 'end'>>;
  /** How soon another process has what a killed one was at, in milliseconds. */
  readonly takeoverWithinMs: number;
  /** How soon publishing fails while the server is away, in milliseconds. */
  readonly refusedWithinMs: number;
}

/** What every bus for several processes keeps while its server, or a process of a group, is killed. */
export function busOutages(kind: SharedBus, options: OutageOptions): void {
  describe(`the bus on ${kind} while things die`, function () {
    this.timeout(180_000);
    const ambient = machineAmbient();
    let server: Awaited<ReturnType<OutageOptions['startServer']>>;
    let undo: (() => Promise<unknown> | unknown)[];
    let opened = 0;
    beforeEach(async () => {
      undo = [];
      server = await options.startServer();
    });
    afterEach(async () => {
      for (const step of undo.reverse()) await step();
      await server?.end();
    });

    const openBus = async (groups: readonly string[] = ['mail']): Promise<Bus> => {
      opened += 1;
      const bus = await openSharedBus(kind, {
        address: server.url,
        passwordFile: undefined,
        name: `outage-${opened}`,
        groupsOf: () => groups,
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

    it('events from outbox to inbox have their effect once, in the order of their key, on whichever consumer', async () => {
      const lives = 5;
      const perLife = 80;
      const total = lives * perLife;
      const source = openStore('order');
      const sink = openStore('mail', [
        'CREATE TABLE heard (at INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT, number INTEGER)',
      ]);
      let deliveries = 0;
      const consumers = [await openBus(), await openBus()];
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
            bus: await openBus(),
            topic: 'order',
            timers: ambient.timers,
            log: collectingLog(),
            lease: leaseIn({ store: source, name: 'outbox', holder, clock: ambient.clock, lastsMs: 2_000 }),
          }),
        );
      }
      let written = 0;
      const write = async () => {
        for (const end = written + perLife; written < end; written += 1) {
          const data = Buffer.alloc(2);
          data.writeUInt16BE(written);
          await source.commit({ outbox: [{ type: 'test.Placed', key: `k${written % 9}`, data }] });
          await ambient.timers.sleep(10);
        }
      };
      const heard = async () =>
        sink.query<{ key: string; number: number }>({ sql: 'SELECT key, number FROM heard ORDER BY at' });
      for (let life = 1; life < lives; life += 1) {
        const [before, writing] = [(await heard()).length, write()];
        // However long a server takes to start: it is killed while events come.
        await eventually(async () => (await heard()).length > before + perLife / 4, {
          withinMs: 60_000,
          what: `effects in life ${life}`,
        });
        await server.kill();
        // One consumer leaves for good while the server is away, so that it can't say so.
        if (life === 3) await consumers[0]?.close();
        await ambient.timers.sleep(200);
        await server.start();
        await writing;
      }
      await write();
      await eventually(async () => (await heard()).length >= total, {
        withinMs: 60_000,
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
      await eventually(async () => (await consumers[1]?.lag('mail')) === 0, { withinMs: 20_000 });
      expect(await consumers[1]?.deadLetters('mail', 10)).to.deep.equal([]);
    });

    it('another process takes over, in order, what a killed one was at', async () => {
      const child = consumeUntilKilled(kind, server.url);
      undo.push(() => child.process.kill('SIGKILL'));
      const publisher = await openBus();
      await publisher.publish([busMessage('t1', { key: 'k' })]);
      await eventually(() => child.heard() === 't1\n', { withinMs: 30_000, what: 'the first' });
      const second = await openBus();
      const ids = await listen(second);
      await publisher.publish([busMessage('t2', { key: 'k' }), busMessage('t3', { key: 'k' })]);
      const all = () => child.heard() + ids.map((id) => `${id}\n`).join('');
      await eventually(() => all().includes('t2\n'), { withinMs: 15_000, what: 'the second' });
      child.process.kill('SIGKILL');
      await eventually(() => ids.includes('t3'), { withinMs: options.takeoverWithinMs, what: 'the third' });
      // A bus that deals out keys may have given this one to the second process when that came.
      expect(ids.slice(-2)).to.deep.equal(['t2', 't3']);
    });

    it('what was acknowledged is there after the server was killed, and publishing is refused meanwhile', async () => {
      const bus = await openBus();
      const messages = Array.from({ length: 200 }, (_, number) => busMessage(`a${number}`));
      await bus.publish(messages);
      await server.kill();
      const startedMs = performance.now();
      const failure = await bus.publish([busMessage('away')]).catch((error: unknown) => error);
      expect(MeshError.is(failure) && failure.code).to.equal('UNAVAILABLE');
      expect(performance.now() - startedMs).to.be.below(options.refusedWithinMs);
      await server.start();
      await eventually(() => bus.publish([busMessage('back')]).then(() => true), { withinMs: 30_000 });
      const ids = await listen(bus);
      const wanted = [...messages.map(({ id }) => id), 'back'];
      await eventually(() => wanted.every((id) => ids.includes(id)), { withinMs: 30_000, what: 'all of it' });
      await eventually(() => bus.probe().then(() => true), { withinMs: 10_000 });
    });

    it('a group that begins late gets all that was published since it was known', async () => {
      const bus = await openBus(['mail', 'late']);
      const early = await listen(bus);
      await bus.publish(Array.from({ length: 20 }, (_, number) => busMessage(`m${number}`)));
      await eventually(() => early.length === 20, { withinMs: 20_000 });
      let late = 0;
      await bus.subscribe({
        group: 'late',
        topics: { order: ['test.Placed'] },
        handle: async () => {
          late += 1;
        },
      });
      await eventually(() => late === 20, { withinMs: 20_000 });
    });
  });
}

/** Starts a process of the group `mail` that hangs at its second delivery. */
function consumeUntilKilled(
  kind: SharedBus,
  address: string,
): { readonly process: ChildProcess; heard(): string } {
  const program = fileURLToPath(new URL('./consume-until-killed.test.ts', import.meta.url));
  const child = spawn(process.execPath, ['--import=tsx', program, kind, address, 'doomed', '1'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let heard = '';
  child.stdout.on('data', (chunk: Buffer) => {
    heard += chunk.toString();
  });
  return { process: child, heard: () => heard };
}
