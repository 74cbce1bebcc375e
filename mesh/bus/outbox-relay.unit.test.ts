import { expect } from 'chai';
import { openSqliteStore } from '../store/sqlite-store.js';
import type { Store } from '../store/store.js';
import { collectingLog } from '../testing/collecting-log.js';
import { type VirtualClock, virtualClock } from '../testing/virtual-clock.js';
import type { Bus, BusMessage } from './bus.js';
import { startOutboxRelay } from './outbox-relay.js';

describe('the outbox relay', () => {
  let time: VirtualClock;
  let store: Store;
  let published: BusMessage[];
  let attempts: number;
  let broken: boolean;
  let stop: () => Promise<void>;
  const log = collectingLog();

  beforeEach(() => {
    time = virtualClock();
    store = openSqliteStore({ path: ':memory:', service: 'order', schema: [], clock: time.clock });
    published = [];
    attempts = 0;
    broken = false;
  });
  afterEach(async () => {
    await stop();
    await store.close();
    expect(time.pendingTimers()).to.equal(0);
  });

  const start = (from: Store = store, batchSize = 100) => {
    const bus: Pick<Bus, 'publish'> = {
      publish: async (messages) => {
        attempts += 1;
        if (broken) throw new Error('the bus is away');
        published.push(...messages);
      },
    };
    stop = startOutboxRelay({
      store: from,
      bus: bus as Bus,
      topic: 'order',
      timers: time.timers,
      log,
      batchSize,
    });
  };
  const commit = (...keys: string[]) =>
    store.commit({
      outbox: keys.map((key) => ({ type: 'test.Placed', key, data: new Uint8Array([1]) })),
      trace: { traceId: '1'.repeat(32), spanId: '2'.repeat(16), sampled: true },
    });
  const keys = () => published.map((message) => message.key);

  it('publishes what was left from before, in the order of the commits, whatever the batch size', async () => {
    await commit('1', '2');
    await commit('3', '4', '5');
    start(store, 2);
    await time.settle();
    expect(keys()).to.deep.equal(['1', '2', '3', '4', '5']);
    expect(attempts).to.equal(3);
    expect(await store.unpublished(10)).to.deep.equal([]);
  });

  it('publishes at once after a commit, with the topic, the id and the trace', async () => {
    start();
    await time.settle();
    await commit('1');
    const [pending] = await store.unpublished(1);
    await time.settle();
    expect(published).to.have.length(1);
    expect(published[0]).to.deep.include({
      id: pending?.messageId,
      topic: 'order',
      type: 'test.Placed',
      key: '1',
      occurredAtMs: pending?.occurredAtMs,
      traceparent: `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01`,
    });
  });

  it('finds within a second what it was not told of', async () => {
    start({ ...store, onOutbox: () => () => undefined });
    await time.settle();
    await commit('1');
    await time.advance(999);
    expect(keys()).to.deep.equal([]);
    await time.advance(1);
    expect(keys()).to.deep.equal(['1']);
  });

  it('waits longer and longer while the bus is away, commits or not, and loses nothing', async () => {
    broken = true;
    start();
    for (let number = 0; number < 20; number += 1) {
      await commit(String(number));
      await time.settle();
    }
    expect(attempts).to.be.at.most(2);
    await time.advance(20_000);
    expect(attempts).to.be.within(8, 14);
    broken = false;
    await time.advance(5_000);
    expect(keys()).to.deep.equal(Array.from({ length: 20 }, (_, number) => String(number)));
  });

  it('publishes a message again under the same id when it could not be marked', async () => {
    let fail = true;
    start({
      ...store,
      markPublished: async (sequences) => {
        if (fail) throw new Error('the disk is full');
        await store.markPublished(sequences);
      },
    });
    await commit('1');
    await time.settle();
    fail = false;
    await time.advance(1_000);
    expect(keys()).to.deep.equal(['1', '1']);
    expect(published[0]?.id).to.equal(published[1]?.id);
    expect(await store.unpublished(10)).to.deep.equal([]);
  });

  it('publishes what is left when it stops, and stops without a wait', async () => {
    start({ ...store, onOutbox: () => () => undefined });
    await time.settle();
    await commit('1');
    await stop();
    expect(keys()).to.deep.equal(['1']);
  });

  it('stops without a wait during a round', async () => {
    await commit('1');
    let release: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    start({
      ...store,
      markPublished: async (sequences) => {
        await gate;
        await store.markPublished(sequences);
      },
    });
    await time.settle();
    const stopped = stop();
    release();
    await stopped;
    expect(keys()).to.deep.equal(['1']);
  });

  it('leaves in the outbox what the bus does not take at the stop', async () => {
    broken = true;
    start();
    await commit('1');
    await stop();
    expect(await store.unpublished(10)).to.have.length(1);
  });
});
