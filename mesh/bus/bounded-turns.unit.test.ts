import { expect } from 'chai';
import { virtualClock } from '../testing/virtual-clock.js';
import { boundedTurns } from './bounded-turns.js';

describe('turns with callers who wait only so long', () => {
  it('begin none before the one before has ended, though its caller has given up', async () => {
    const time = virtualClock();
    const inTurn = boundedTurns(time.timers, 1_000);
    const did: string[] = [];
    let end: () => void = () => undefined;
    const first = inTurn(async (givenUp) => {
      did.push('first');
      givenUp.addEventListener('abort', () => did.push('first is told'));
      await new Promise<void>((resolve) => {
        end = resolve;
      });
      did.push('first ends');
    }).catch(String);
    await time.advance(1_000);
    expect(await first).to.include('no answer within 1000 ms');
    const second = inTurn(async () => {
      did.push('second');
      return 2;
    });
    await time.advance(500);
    expect(did).to.deep.equal(['first', 'first is told']);
    end();
    expect(await second).to.equal(2);
    expect(did).to.deep.equal(['first', 'first is told', 'first ends', 'second']);
  });

  it('leave out what nobody waits for when its turn comes', async () => {
    const time = virtualClock();
    const inTurn = boundedTurns(time.timers, 1_000);
    let end: () => void = () => undefined;
    const first = inTurn(
      () =>
        new Promise<void>((resolve) => {
          end = resolve;
        }),
    ).catch(String);
    const second = inTurn(() => expect.fail('it was begun')).catch(String);
    await time.advance(1_000);
    expect(await first).to.include('no answer');
    expect(await second).to.include('no answer');
    end();
    await time.settle();
    expect(await inTurn(async () => 3)).to.equal(3);
    expect(time.pendingTimers()).to.equal(0);
  });
});
