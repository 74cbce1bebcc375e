import { expect } from 'chai';
import fc from 'fast-check';
import { openSqliteDatabase } from '../store/sqlite-database.js';
import { collectingLog } from '../testing/collecting-log.js';
import { type VirtualClock, virtualClock } from '../testing/virtual-clock.js';
import type { Bus, Delivery } from './bus.js';
import { busMessage } from './contract-suite.js';
import { openEmbeddedBus } from './embedded-bus.js';
import { createEmbeddedLog, type EmbeddedLog } from './embedded-log.js';
import { startGroupConsumer } from './group-consumer.js';

const redelivery = { maxAttempts: 3, retryBaseDelayMs: 100, retryMaxDelayMs: 100 };
const topics = { order: ['test.Placed'] };

describe('a group of the embedded bus', () => {
  let time: VirtualClock;
  beforeEach(() => {
    time = virtualClock();
  });

  describe('reads', () => {
    /** A consumer on a log of its own, and how often it has read. */
    const start = (handle: (delivery: Delivery) => Promise<void>, failingReads = 0) => {
      const database = openSqliteDatabase(':memory:');
      const log = createEmbeddedLog(database);
      let reads = 0;
      const counted: EmbeddedLog = {
        ...log,
        read: (...given) => {
          reads += 1;
          if (reads <= failingReads) throw new Error('database or disk is full');
          return log.read(...given);
        },
      };
      log.register('mail', ['order']);
      const consumer = startGroupConsumer({
        log: counted,
        subscription: { group: 'mail', topics, handle },
        ambient: time,
        logger: collectingLog(),
        redelivery,
      });
      return { log, consumer, reads: () => reads };
    };

    it('once for what was published, not again after each message', async () => {
      const { log, consumer, reads } = start(async () => undefined);
      log.append(Array.from({ length: 40 }, (_, number) => busMessage(`m${number}`)));
      consumer.wake();
      await time.advance(0);
      expect([log.lag('mail'), reads()]).to.deep.equal([0, 1]);
    });

    it('what it wants alone', () => {
      const { consumer } = start(async () => undefined);
      expect(
        [['stock'], ['stock', 'order']].map((published) => consumer.wants(new Set(published))),
      ).to.deep.equal([false, true]);
    });

    it('on until the end of a log that is longer than one read', async () => {
      const { log, consumer, reads } = start(async () => undefined);
      // Twice what is read at once: that the second read is the last is not to be known from it.
      log.append(Array.from({ length: 512 }, (_, number) => busMessage(`m${number}`)));
      consumer.wake();
      await time.advance(0);
      expect([log.lag('mail'), reads()]).to.deep.equal([0, 3]);
    });

    it('what was published while it waited to try a failed read again', async () => {
      const { log, consumer } = start(async () => undefined, 1);
      log.append([busMessage('m1')]);
      consumer.wake();
      log.append([busMessage('m2')]);
      consumer.wake();
      await time.advance(1_000);
      expect(log.lag('mail')).to.equal(0);
    });

    it('what was published while it had no room for more', async () => {
      const handled: string[] = [];
      let broken = true;
      const { log, consumer } = start(async ({ id }) => {
        if (broken) throw new Error('not yet');
        handled.push(id);
      });
      const one = { key: 'k' };
      let published = 0;
      const publish = (count: number) => {
        log.append(Array.from({ length: count }, (_, at) => busMessage(`m${published + at + 1}`, one)));
        published += count;
        consumer.wake();
      };
      publish(200);
      publish(100);
      await time.settle();
      publish(1);
      await time.settle();
      broken = false;
      await time.advance(200);
      expect([handled.length, handled.at(-1)]).to.deep.equal([301, 'm301']);
    });

    it('what was published by a handler, while it took what it had read', async () => {
      let handled = 0;
      const { log, consumer } = start(async ({ id }) => {
        handled += 1;
        const number = Number(id.slice(1));
        if (number === 50) return;
        // Not a moment later: the read that gave this message is still under way.
        log.append([busMessage(`m${number + 1}`)]);
        consumer.wake();
      });
      log.append([busMessage('m0')]);
      consumer.wake();
      await time.advance(0);
      expect([log.lag('mail'), handled]).to.deep.equal([0, 51]);
    });
  });

  describe('is told of', () => {
    const open = (log = collectingLog()) =>
      openEmbeddedBus({ path: ':memory:', ambient: time, log, redelivery });
    const listen = async (bus: Bus, group: string, handle: (delivery: Delivery) => Promise<void>) =>
      bus.subscribe({ group, topics, handle });

    it('what it wants, and of nothing else', async () => {
      const bus = open();
      const heard: string[] = [];
      await listen(bus, 'mail', async ({ id }) => void heard.push(id));
      await bus.publish([busMessage('s1', { topic: 'stock' })]);
      await bus.publish([busMessage('s2', { topic: 'stock' }), busMessage('m1')]);
      await time.advance(0);
      expect([heard, await bus.lag('mail')]).to.deep.equal([['m1'], 0]);
      await bus.close();
    });

    it('a message of a key that waits for a retry, which comes after it', async () => {
      const bus = open();
      const heard: string[] = [];
      await listen(bus, 'mail', async ({ id, attempt }) => {
        heard.push(`${id}.${attempt}`);
        if (id === 'm1' && attempt < 3) throw new Error('not yet');
      });
      await bus.publish([busMessage('m1', { key: 'k' })]);
      await time.advance(60);
      await bus.publish([busMessage('m2', { key: 'k' })]);
      await time.advance(1_000);
      expect([heard, await bus.lag('mail')]).to.deep.equal([['m1.1', 'm1.2', 'm1.3', 'm2.1'], 0]);
      await bus.close();
    });

    it('a dead letter that is replayed, when the end of the log was read long ago', async () => {
      const bus = open();
      let broken = true;
      await listen(bus, 'mail', () => (broken ? Promise.reject(new Error('no')) : Promise.resolve()));
      await bus.publish([busMessage('m1')]);
      await time.advance(1_000);
      expect(await bus.deadLetters('mail', 10)).to.have.length(1);
      broken = false;
      await bus.replay('mail', 'm1');
      await time.advance(0);
      expect([await bus.deadLetters('mail', 10), await bus.lag('mail')]).to.deep.equal([[], 0]);
      await bus.close();
    });

    it('everything, whenever it comes, goes, fails or is published to', async () => {
      const step = fc.oneof(
        {
          weight: 5,
          arbitrary: fc.record({ publish: fc.integer({ min: 1, max: 300 }), wanted: fc.boolean() }),
        },
        { weight: 2, arbitrary: fc.record({ waitMs: fc.integer({ min: 0, max: 150 }) }) },
        { weight: 1, arbitrary: fc.constant('come or go' as const) },
        { weight: 1, arbitrary: fc.constant('fail or recover' as const) },
      );
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
          time = virtualClock();
          const bus = open();
          const handled = new Set<string>();
          const wanted: string[] = [];
          let sent = 0;
          let broken = false;
          const come = () =>
            listen(bus, 'mail', async ({ id }) => {
              if (broken) throw Object.assign(new Error('away'), { code: 'UNAVAILABLE' });
              handled.add(id);
            });
          let stop: (() => Promise<void>) | undefined = await come();
          const toggle = async () => {
            await stop?.();
            stop = stop === undefined ? await come() : undefined;
          };
          for (const one of steps) {
            if (one === 'come or go') await toggle();
            else if (one === 'fail or recover') broken = !broken;
            else if ('waitMs' in one) await time.advance(one.waitMs);
            else {
              const messages = Array.from({ length: one.publish }, () => {
                sent += 1;
                return busMessage(`m${sent}`, { key: `k${sent % 7}`, topic: one.wanted ? 'order' : 'stock' });
              });
              if (one.wanted) wanted.push(...messages.map(({ id }) => id));
              await bus.publish(messages);
            }
          }
          broken = false;
          if (stop === undefined) await toggle();
          await time.advance(2_000);
          const dead = (await bus.deadLetters('mail', 100_000)).map(({ message }) => message.id);
          expect(await bus.lag('mail')).to.equal(0);
          expect([...handled, ...dead]).to.include.members(wanted);
          await bus.close();
        }),
        { numRuns: 40 },
      );
    });
  });
});
