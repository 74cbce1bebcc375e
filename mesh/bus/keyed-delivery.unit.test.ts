import { expect } from 'chai';
import { collectingLog } from '../testing/collecting-log.js';
import { virtualClock } from '../testing/virtual-clock.js';
import type { Subscription } from './bus.js';
import { busMessage } from './contract-suite.js';
import { startKeyedDelivery } from './keyed-delivery.js';

describe('delivery that forgets what another process has now', () => {
  const time = virtualClock();
  const begin = (handle: Subscription['handle']) => {
    const heard: string[] = [];
    const acknowledged: number[] = [];
    const buried: number[] = [];
    const delivery = startKeyedDelivery<number>({
      subscription: {
        group: 'mail',
        topics: { order: ['test.Placed'] },
        handle: (message) => {
          heard.push(`${message.id} ${message.attempt}`);
          return handle(message);
        },
      },
      ambient: time,
      logger: collectingLog(),
      redelivery: { maxAttempts: 3, retryBaseDelayMs: 100, retryMaxDelayMs: 100 },
      acknowledge: (position) => acknowledged.push(position),
      bury: ({ position }) => void buried.push(position),
    });
    const take = (...positions: number[]) =>
      delivery.take(
        positions.map((position) => ({ position, message: busMessage(`m${position % 10}`, { key: 'k' }) })),
      );
    return { delivery, heard, acknowledged, buried, take };
  };
  const gate = () => {
    let open: () => void = () => undefined;
    let fail: (error: Error) => void = () => undefined;
    const passed = new Promise<void>((resolve, reject) => {
      open = resolve;
      fail = reject;
    });
    return { passed, open, fail };
  };

  it('goes on with what is being handled, and with nothing that waits behind it', async () => {
    const { passed, open } = gate();
    const { delivery, heard, acknowledged, take } = begin(() => passed);
    take(1, 2, 3);
    await time.settle();
    delivery.forget(() => true);
    expect(delivery.queued()).to.equal(1);
    open();
    await time.settle();
    expect(heard).to.deep.equal(['m1 1']);
    expect(acknowledged).to.deep.equal([1]);
    expect(delivery.queued()).to.equal(0);
    take(12);
    await time.settle();
    expect(heard).to.deep.equal(['m1 1', 'm2 1']);
  });

  it('neither tries again nor gives up what failed after it was forgotten', async () => {
    const { passed, fail } = gate();
    const { delivery, heard, buried, take } = begin(() => passed);
    take(1);
    await time.settle();
    delivery.forget(() => true);
    fail(new Error('no'));
    await time.settle();
    await time.advance(1_000);
    expect(heard).to.deep.equal(['m1 1']);
    expect(buried).to.deep.equal([]);
    expect(delivery.queued()).to.equal(0);
  });

  it('tries again what failed after it was forgotten and had come back', async () => {
    const { passed, fail } = gate();
    const { delivery, heard, acknowledged, take } = begin(({ id, attempt }) =>
      id === 'm1' && attempt === 1 ? passed : Promise.resolve(),
    );
    take(1, 2);
    await time.settle();
    delivery.forget(() => true);
    // The same place in the log: a partition that was given away and returned.
    take(1, 2);
    fail(new Error('no'));
    await time.settle();
    await time.advance(1_000);
    expect(heard).to.deep.equal(['m1 1', 'm1 2', 'm2 1']);
    expect(acknowledged).to.deep.equal([1, 2]);
    expect(delivery.queued()).to.equal(0);
  });

  it('handles a key once at a time when it comes again during the wait for a retry', async () => {
    const held: string[] = [];
    let most = 0;
    const { delivery, heard, take } = begin(async ({ id }) => {
      held.push(id);
      most = Math.max(most, held.length);
      await Promise.resolve();
      held.pop();
      if (heard.length < 3) throw new Error('not yet');
    });
    take(1, 2);
    await time.settle();
    delivery.forget(() => true);
    take(11, 12);
    await time.settle();
    await time.advance(1_000);
    expect(heard).to.deep.equal(['m1 1', 'm1 1', 'm1 2', 'm2 1']);
    expect(most).to.equal(1);
  });

  it('keeps what is not meant', async () => {
    const { passed, open } = gate();
    const { delivery, heard, take } = begin(() => passed);
    take(1, 2, 3, 4);
    await time.settle();
    delivery.forget((position) => position % 2 === 0);
    open();
    await time.settle();
    expect(heard).to.deep.equal(['m1 1', 'm3 1']);
  });
});
