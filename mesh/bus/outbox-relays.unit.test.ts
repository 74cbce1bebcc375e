import { join } from 'node:path';
import { expect } from 'chai';
import { leaseIn } from '../store/lease.js';
import { openSqliteStore } from '../store/sqlite-store.js';
import type { Store } from '../store/store.js';
import { collectingLog } from '../testing/collecting-log.js';
import { temporaryFolder } from '../testing/temporary-folder.js';
import { type VirtualClock, virtualClock } from '../testing/virtual-clock.js';
import type { Bus, BusMessage } from './bus.js';
import { startOutboxRelay } from './outbox-relay.js';

describe('outbox relays of several instances on one database', () => {
  let time: VirtualClock;
  let folder: ReturnType<typeof temporaryFolder>;
  let stores: Store[];
  let stops: (() => Promise<void>)[];
  /** What the bus was given, in that order, repetitions included. */
  let given: BusMessage[];
  /** What a publish waits for. */
  let gate: (messages: readonly BusMessage[], relay: number) => Promise<void>;

  beforeEach(() => {
    time = virtualClock();
    folder = temporaryFolder();
    given = [];
    stops = [];
    gate = () => time.timers.sleep(3);
    stores = [0, 1].map(() =>
      openSqliteStore({
        path: join(folder.path, 'order.db'),
        service: 'order',
        schema: [],
        clock: time.clock,
      }),
    );
  });
  afterEach(async () => {
    gate = async () => undefined;
    await Promise.all(stops.map((stop) => stop()));
    for (const store of stores) await store.close();
    folder.remove();
  });

  const start = () => {
    for (const [relay, store] of stores.entries()) {
      const publish = async (messages: readonly BusMessage[]) => {
        await gate(messages, relay);
        given.push(...messages);
      };
      stops.push(
        startOutboxRelay({
          store,
          bus: { publish } as Bus,
          topic: 'order',
          timers: time.timers,
          log: collectingLog(),
          batchSize: 7,
          lease: leaseIn({
            store,
            name: 'outbox',
            holder: `order-${relay}`,
            clock: time.clock,
            lastsMs: 2_000,
          }),
        }),
      );
    }
  };
  const commit = async (number: number) => {
    await stores[number % 2]?.commit({
      outbox: [{ type: 'test.Placed', key: `key-${number % 5}`, data: new Uint8Array([number]) }],
    });
  };
  const numbers = () => given.map(({ data }) => data[0]);
  /** As a bus and its inboxes see it: each id once. */
  const effects = () => [...new Map(given.map((message) => [message.id, message.data[0]])).values()];
  const upTo = (count: number) => Array.from({ length: count }, (_, number) => number);

  it('publish every message once and in order, whichever instance wrote it', async () => {
    start();
    for (const number of upTo(200)) {
      await commit(number);
      await time.advance(number % 3);
    }
    await time.advance(2_000);
    expect(numbers()).to.deep.equal(upTo(200));
    for (const store of stores) expect(await store.unpublished(10)).to.deep.equal([]);
  });

  it('publish within some milliseconds what another instance wrote while one was at it', async () => {
    start();
    gate = () => time.timers.sleep(200);
    await commit(0);
    await time.advance(100);
    await commit(1);
    gate = async () => undefined;
    await time.advance(130);
    expect(numbers()).to.deep.equal([0, 1]);
  });

  it('take over from one that died at it', async () => {
    start();
    gate = (_messages, relay) => (relay === 0 ? new Promise(() => undefined) : Promise.resolve());
    await commit(0);
    await time.advance(500);
    await commit(1);
    await time.advance(1_400);
    expect(numbers()).to.deep.equal([]);
    await time.advance(200);
    expect(numbers()).to.deep.equal([0, 1]);
    stops = stops.slice(1);
  });

  it('keep the order when one that was stopped for long goes on with what it had read', async () => {
    start();
    let goOn: () => void = () => undefined;
    const stopped = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    gate = (_messages, relay) => (relay === 0 ? stopped : Promise.resolve());
    await commit(0);
    await time.settle();
    for (const number of [1, 3, 5]) await commit(number);
    await time.advance(5_000);
    expect(numbers()).to.deep.equal([0, 1, 3, 5]);
    goOn();
    await commit(7);
    await time.advance(5_000);
    expect(numbers().filter((number) => number === 0)).to.have.length(2);
    expect(effects()).to.deep.equal([0, 1, 3, 5, 7]);
  });
});
