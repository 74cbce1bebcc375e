import { expect } from 'chai';
import { virtualClock } from '../../mesh/testing/virtual-clock.js';
import { openLoop } from './open-loop.js';

describe('an open loop', () => {
  it('begins each at its moment although none before has ended', async () => {
    const clock = virtualClock();
    const began: number[] = [];
    const arrival = (atMs: number) => ({
      atMs,
      begin: async (arrivedMs: number) => {
        began.push(arrivedMs);
        await clock.timers.sleep(1_000);
      },
    });
    const loop = openLoop([30, 10, 20].map(arrival), clock, new AbortController().signal);
    await clock.advance(30);
    expect(began).to.deep.equal([10, 20, 30]);
    await clock.advance(1_000);
    await loop;
  });

  it('begins nothing more when it is broken off', async () => {
    const clock = virtualClock();
    const stop = new AbortController();
    let began = 0;
    const arrivals = [10, 500].map((atMs) => ({
      atMs,
      begin: async () => {
        began += 1;
      },
    }));
    const loop = openLoop(arrivals, clock, stop.signal);
    await clock.advance(100);
    stop.abort();
    await loop;
    expect(began).to.equal(1);
  });
});
