import { expect } from 'chai';
import { MeshError } from '../contract/error.js';
import { type EventuallyOptions, eventually as eventuallyWithin } from '../testing/eventually.js';
import type { Bus, BusMessage, Delivery, RedeliveryPolicy, Subscription } from './bus.js';

/** A kind of bus, as its test sets it up. */
export interface BusSetup {
  /** Opens the bus. After a close it is the same bus again, if it is durable. Retries as the policy says. */
  open(redelivery: RedeliveryPolicy): Promise<Bus>;
  /** Closes what is open and deletes what is left. */
  close(): Promise<void>;
}

const redelivery: RedeliveryPolicy = { maxAttempts: 3, retryBaseDelayMs: 2, retryMaxDelayMs: 8 };

/** A message of the topic `order` and the type `test.Placed` unless told otherwise. */
export function busMessage(id: string, fields: Partial<BusMessage> = {}): BusMessage {
  return {
    id,
    topic: 'order',
    type: 'test.Placed',
    key: id,
    data: new Uint8Array([1, 2, 3]),
    occurredAtMs: 1_767_225_600_000,
    traceparent: undefined,
    ...fields,
  };
}

/** Servers that keep everything on disk, beside other tests, take their time now and then. */
const eventually = <T>(attempt: () => T | Promise<T>, options: EventuallyOptions = {}) =>
  eventuallyWithin(attempt, { withinMs: 20_000, ...options });

/** What every bus does alike. @param durable whether a bus that was closed and opened again has everything. */
export function busContract(name: string, durable: boolean, makeSetup: () => BusSetup): void {
  describe(`the bus: ${name}`, () => {
    let setup: BusSetup;
    let bus: Bus;
    beforeEach(async () => {
      setup = makeSetup();
      bus = await setup.open(redelivery);
    });
    afterEach(() => setup.close());

    const itWhenDurable = durable ? it : () => undefined;

    /** Subscribes a group that notes what it gets. */
    const listen = async (
      group: string,
      handle: Subscription['handle'] = async () => undefined,
      topics: Subscription['topics'] = { order: ['test.Placed'] },
    ) => {
      const heard: Delivery[] = [];
      const stop = await bus.subscribe({
        group,
        topics,
        handle: async (delivery) => {
          heard.push(delivery);
          await handle(delivery);
        },
      });
      return { heard, stop, ids: () => heard.map((delivery) => delivery.id) };
    };
    const settled = (group: string) =>
      eventually(async () => (await bus.lag(group)) === 0, { what: `${group} to have handled everything` });

    describe('delivers', () => {
      it('a message as it was published', async () => {
        const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
        const message = busMessage('m1', { traceparent });
        const { heard } = await listen('mail');
        await bus.publish([message]);
        await settled('mail');
        expect(heard).to.have.length(1);
        expect({ ...heard[0], data: [...(heard[0]?.data ?? [])] }).to.deep.equal({
          ...message,
          data: [1, 2, 3],
          attempt: 1,
        });
      });

      it('to each group by itself, whatever another group makes of it', async () => {
        const mail = await listen('mail');
        const failing = await listen('failing', () => Promise.reject(new Error('no')));
        await bus.publish([busMessage('m1'), busMessage('m2')]);
        await settled('mail');
        expect(mail.ids()).to.have.members(['m1', 'm2']);
        await eventually(() => failing.heard.length >= 6, { what: 'all attempts' });
        expect(mail.heard).to.have.length(2);
      });

      it('the types and topics that a group wants, and counts the others as done', async () => {
        const { ids } = await listen('mail', undefined, { order: ['test.Placed'], payment: ['test.Paid'] });
        await bus.publish([
          busMessage('m1'),
          busMessage('m2', { type: 'test.Shipped' }),
          busMessage('m3', { topic: 'payment', type: 'test.Paid' }),
          busMessage('m4', { topic: 'payment' }),
          busMessage('m5', { topic: 'stock' }),
        ]);
        await settled('mail');
        expect(ids()).to.have.members(['m1', 'm3']);
      });

      it('a message that was published twice under one id once', async () => {
        const { ids } = await listen('mail');
        await bus.publish([busMessage('m1')]);
        await bus.publish([busMessage('m1'), busMessage('m2')]);
        await settled('mail');
        expect(ids()).to.have.members(['m1', 'm2']);
      });

      it('far more messages than are read at once', async () => {
        const { heard } = await listen('mail');
        const messages = Array.from({ length: 700 }, (_, number) => busMessage(`m${number}`));
        await bus.publish(messages);
        await settled('mail');
        expect(new Set(heard.map((delivery) => delivery.id)).size).to.equal(700);
      });
    });

    describe('orders', () => {
      it('the messages of one key, one after the other, also across a failure', async () => {
        const busy = new Set<string>();
        let failed = false;
        const handled: string[] = [];
        await listen('mail', async ({ id, key }) => {
          expect(busy.has(key)).to.equal(false);
          busy.add(key);
          await new Promise((resolve) => setImmediate(resolve));
          busy.delete(key);
          if (id === 'a1' && !failed) {
            failed = true;
            throw new Error('once');
          }
          handled.push(id);
        });
        const messages = ['a0', 'b0', 'a1', 'b1', 'a2', 'b2', 'a3'];
        await bus.publish(messages.map((id) => busMessage(id, { key: id.slice(0, 1) })));
        await settled('mail');
        expect(handled.filter((id) => id.startsWith('a'))).to.deep.equal(['a0', 'a1', 'a2', 'a3']);
        expect(handled.filter((id) => id.startsWith('b'))).to.deep.equal(['b0', 'b1', 'b2']);
      });

      it('nothing across keys: a key that waits holds up no other', async () => {
        let release: () => void = () => undefined;
        const gate = new Promise<void>((resolve) => {
          release = resolve;
        });
        const { ids } = await listen('mail', ({ key }) => (key === 'slow' ? gate : Promise.resolve()));
        await bus.publish([
          busMessage('s1', { key: 'slow' }),
          busMessage('s2', { key: 'slow' }),
          ...Array.from({ length: 20 }, (_, number) => busMessage(`q${number}`)),
        ]);
        await eventually(() => ids().length === 21, { what: 'the other keys' });
        expect(ids()).not.to.include('s2');
        release();
        await settled('mail');
        expect(ids()).to.include('s2');
      });
    });

    describe('redelivers', () => {
      it('what was rejected, and counts the attempts', async () => {
        const { heard } = await listen('mail', async ({ attempt }) => {
          if (attempt < 3) throw new Error('not yet');
        });
        await bus.publish([busMessage('m1')]);
        await settled('mail');
        expect(heard.map((delivery) => delivery.attempt)).to.deep.equal([1, 2, 3]);
        expect(await bus.deadLetters('mail', 10)).to.deep.equal([]);
      });

      it('what was published while nobody listened, to a group that is known', async () => {
        const first = await listen('mail');
        await first.stop();
        await bus.publish([busMessage('m1')]);
        expect(await bus.lag('mail')).to.equal(1);
        expect(first.heard).to.have.length(0);
        const second = await listen('mail');
        await settled('mail');
        expect(second.ids()).to.deep.equal(['m1']);
      });

      it('what waits, and counts it until it is handled, also while a subscription begins and ends', async () => {
        await (await listen('mail')).stop();
        await bus.publish([busMessage('m1')]);
        const lags = new Set<number>();
        const look = async () => void lags.add(await bus.lag('mail'));
        for (let round = 0; round < 5; round += 1) {
          const { heard, stop } = await listen('mail', () => Promise.reject(new MeshError(unavailable)));
          // Several at a time: some meet the moments at which the message goes to the group, and back.
          const looks = async () => void (await Promise.all(Array.from({ length: 10 }, look)));
          await eventually(() => looks().then(() => heard.length > 0), { everyMs: 0, what: 'the message' });
          await Promise.all([stop(), looks()]);
        }
        expect([...lags]).to.deep.equal([1]);
      });

      it('what was not acknowledged when the subscription ended, and nothing else', async () => {
        const first = await listen('mail', ({ id }) =>
          id === 'bad' ? Promise.reject(new MeshError(unavailable)) : Promise.resolve(),
        );
        await bus.publish([busMessage('good'), busMessage('bad')]);
        await eventually(() => first.ids().includes('good') && first.ids().includes('bad'));
        await first.stop();
        const second = await listen('mail');
        await settled('mail');
        expect(second.ids()).to.deep.equal(['bad']);
      });

      it('without end when the world is at fault, and counts that for nothing afterwards', async () => {
        let state: 'away' | 'strange' | 'well' = 'away';
        const { heard } = await listen('mail', async () => {
          if (state === 'away') throw new MeshError(unavailable);
          if (state === 'well') return;
          state = 'well';
          throw new Error('the first failure of the message itself');
        });
        await bus.publish([busMessage('m1')]);
        await eventually(() => heard.length > 3 * redelivery.maxAttempts, { what: 'many attempts' });
        state = 'strange';
        await settled('mail');
        expect(state).to.equal('well');
        expect(await bus.deadLetters('mail', 10)).to.deep.equal([]);
      });
    });

    describe('dead letters', () => {
      it('are what failed too often: listed, and out of the way of what follows', async () => {
        const { heard } = await listen('mail', async ({ id }) => {
          if (id === 'bad') throw new Error('the text of the failure');
        });
        await bus.publish([busMessage('bad', { key: 'k' }), busMessage('good', { key: 'k' })]);
        await settled('mail');
        expect(heard.map(({ id }) => id)).to.deep.equal(['bad', 'bad', 'bad', 'good']);
        const [letter, ...others] = await bus.deadLetters('mail', 10);
        expect(others).to.have.length(0);
        expect(letter).to.deep.include({ group: 'mail', attempts: redelivery.maxAttempts });
        expect(letter?.message.id).to.equal('bad');
        expect(letter?.lastError).to.include('the text of the failure');
        expect(letter?.failedAtMs).to.be.a('number');
        expect(await bus.deadLetters('other', 10)).to.deep.equal([]);
      });

      it('are delivered again when they are replayed', async () => {
        let broken = true;
        const { heard } = await listen('mail', async () => {
          if (broken) throw new Error('no');
        });
        await bus.publish([busMessage('m1'), busMessage('m2')]);
        await eventually(async () => (await bus.deadLetters('mail', 10)).length === 2);
        expect(await bus.deadLetters('mail', 1)).to.have.length(1);
        broken = false;
        const before = heard.length;
        await bus.replay('mail', 'm2');
        await settled('mail');
        expect(heard.slice(before).map((delivery) => delivery.id)).to.deep.equal(['m2']);
        expect((await bus.deadLetters('mail', 10)).map(({ message }) => message.id)).to.deep.equal(['m1']);
      });

      it('are dead letters again when that fails as often as before, and stay in line for another replay', async () => {
        const { heard } = await listen('mail', async () => {
          throw new Error(`failure ${heard.length}`);
        });
        await bus.publish([busMessage('m1')]);
        const isDead = (attempts: number) =>
          eventually(async () => {
            expect(heard).to.have.length(attempts);
            expect(await bus.deadLetters('mail', 10)).to.have.length(1);
          });
        await isDead(redelivery.maxAttempts);
        await bus.replay('mail', 'm1');
        await isDead(2 * redelivery.maxAttempts);
        const [letter] = await bus.deadLetters('mail', 10);
        expect(letter).to.deep.include({ attempts: redelivery.maxAttempts });
        expect(letter?.lastError).to.include(`failure ${2 * redelivery.maxAttempts}`);
        await bus.replay('mail', 'm1');
        await isDead(3 * redelivery.maxAttempts);
      });

      it('that are replayed by two at once are delivered once', async () => {
        let broken = true;
        const { heard } = await listen('mail', async () => {
          if (broken) throw new Error('no');
        });
        await bus.publish([busMessage('m1')]);
        await eventually(async () => (await bus.deadLetters('mail', 10)).length === 1);
        broken = false;
        const before = heard.length;
        const outcomes = await Promise.allSettled([bus.replay('mail', 'm1'), bus.replay('mail', 'm1')]);
        expect(outcomes.map(({ status }) => status).sort()).to.deep.equal(['fulfilled', 'rejected']);
        await settled('mail');
        expect(heard).to.have.length(before + 1);
      });

      it('that do not exist are NOT_FOUND', async () => {
        await listen('mail');
        const error = await bus.replay('mail', 'unknown').catch((thrown: unknown) => thrown);
        expect(MeshError.is(error) && error.code).to.equal('NOT_FOUND');
      });
    });

    describe('ends', () => {
      it('a subscription after the handlers in flight', async () => {
        await endsAfterHandlers((subscription) => subscription.stop());
      });

      it('itself after the handlers in flight', async () => {
        await endsAfterHandlers(() => bus.close());
        const error = await bus.publish([busMessage('late')]).catch((thrown: unknown) => thrown);
        expect(MeshError.is(error) && error.code).to.equal('UNAVAILABLE');
      });

      const endsAfterHandlers = async (end: (subscription: { stop(): Promise<void> }) => Promise<void>) => {
        let release: () => void = () => undefined;
        const gate = new Promise<void>((resolve) => {
          release = resolve;
        });
        const order: string[] = [];
        const subscription = await listen('mail', async () => {
          await gate;
          order.push('handled');
        });
        await bus.publish([busMessage('m1', { key: 'k' }), busMessage('m2', { key: 'k' })]);
        await eventually(() => subscription.heard.length === 1);
        const ended = end(subscription).then(() => order.push('ended'));
        await new Promise((resolve) => setImmediate(resolve));
        expect(order).to.deep.equal([]);
        release();
        await ended;
        expect(order).to.deep.equal(['handled', 'ended']);
        expect(subscription.heard).to.have.length(1);
      };
    });

    itWhenDurable('has what was published and what was handled after it was closed', async () => {
      const first = await listen('mail', ({ id }) =>
        id === 'm2' ? Promise.reject(new MeshError(unavailable)) : Promise.resolve(),
      );
      await bus.publish([busMessage('m1'), busMessage('m2')]);
      await eventually(() => first.ids().includes('m1') && first.ids().includes('m2'));
      await bus.close();
      bus = await setup.open(redelivery);
      expect(await bus.lag('mail')).to.equal(1);
      const second = await listen('mail');
      await settled('mail');
      expect(second.ids()).to.deep.equal(['m2']);
    });

    it('is probed', () => bus.probe());
  });
}

const unavailable = {
  code: 'UNAVAILABLE',
  reason: 'UNAVAILABLE',
  message: 'the world is at fault',
} as const;
