import { expect } from 'chai';
import { MeshError } from '../contract/error.js';
import type { DeadLetter } from './bus.js';
import { busMessage } from './contract-suite.js';
import { deadLetterQueues } from './dead-letter-queues.js';

const letter = (group: string, id: string, lastError = 'Error: no'): DeadLetter => ({
  group,
  message: busMessage(id, { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' }),
  attempts: 8,
  lastError,
  failedAtMs: 2,
});

describe('the dead letters of a bus', () => {
  const letters: Record<string, DeadLetter[]> = {
    cart: [letter('cart', 'm1'), letter('cart', 'm2', 'card 4242424242424242 refused')],
    mail: [letter('mail', 'm3')],
    away: [],
  };
  const replayed: string[] = [];
  const queues = deadLetterQueues({
    bus: {
      deadLetters: async (group) => {
        if (group === 'away')
          throw new MeshError({ code: 'UNAVAILABLE', reason: 'UNAVAILABLE', message: 'the bus is away' });
        return letters[group] ?? [];
      },
      replay: async (group, id) => void replayed.push(`${group} ${id}`),
    },
    groups: ['cart', 'mail', 'away'],
    toJson: (type, data) => {
      if (type !== 'test.Placed') throw new RangeError(`the contracts have no message ${type}`);
      return [...data];
    },
  });
  const failure = (work: Promise<unknown>) => work.catch((error: unknown) => error as MeshError);

  it('are counted for each group that can be asked', async () => {
    expect(await queues.counts()).to.deep.equal({ cart: 2, mail: 1 });
  });

  it('are listed without what is in them, and without secrets in the errors', async () => {
    const listed = await queues.list('cart');
    expect(listed.map(({ id }) => id)).to.deep.equal(['m1', 'm2']);
    expect(listed[0]).to.deep.equal({
      group: 'cart',
      id: 'm1',
      topic: 'order',
      type: 'test.Placed',
      key: 'm1',
      attempts: 8,
      lastError: 'Error: no',
      occurredAtMs: 1_767_225_600_000,
      failedAtMs: 2,
      traceId: '0af7651916cd43dd8448eb211c80319c',
    });
    expect(JSON.stringify(listed)).to.not.include('4242424242424242');
  });

  it('are shown as JSON', async () => {
    expect(await queues.show('mail', 'm3')).to.deep.include({
      group: 'mail',
      id: 'm3',
      message: [1, 2, 3],
      unreadable: null,
      bytes: 3,
    });
  });

  it('are shown without what can not be read, with the reason', async () => {
    letters['mail']?.push({ ...letter('mail', 'm4'), message: busMessage('m4', { type: 'test.Unknown' }) });
    expect(await queues.show('mail', 'm4')).to.deep.include({
      message: null,
      unreadable: 'the contracts have no message test.Unknown',
      bytes: 3,
    });
  });

  it('are replayed by the bus', async () => {
    await queues.replay('cart', 'm2');
    expect(replayed).to.deep.equal(['cart m2']);
  });

  it('of a group that consumes nothing, or that are not there, are NOT_FOUND', async () => {
    for (const work of [queues.list('order'), queues.show('order', 'm1'), queues.replay('order', 'm1')]) {
      const error = await failure(work);
      expect(MeshError.is(error) && error.code).to.equal('NOT_FOUND');
      expect((error as MeshError).message).to.include('use one of cart, mail, away');
    }
    const error = await failure(queues.show('cart', 'm9'));
    expect(MeshError.is(error) && error.message).to.equal('cart has no dead letter m9: list them first');
    expect(replayed).to.deep.equal(['cart m2']);
  });

  it('of a bus that is away are UNAVAILABLE, not none', async () => {
    const error = await failure(queues.list());
    expect(MeshError.is(error) && error.code).to.equal('UNAVAILABLE');
  });
});
