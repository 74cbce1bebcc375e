import { expect } from 'chai';
import { virtualClock } from '../../mesh/testing/virtual-clock.js';
import { repeatEvents } from './event-tap.js';

describe('events that are delivered again', () => {
  it('are spread over the time, every other one late', async () => {
    const clock = virtualClock();
    const repeats: [number, boolean][] = [];
    const tap = {
      repeat: async (late: boolean) => {
        repeats.push([clock.clock.monotonicMs(), late]);
        return true;
      },
      close: async () => undefined,
    };
    const done = repeatEvents(tap, 20, 10_000, clock, new AbortController().signal);
    await clock.advance(5_000);
    expect(repeats).to.have.length(10);
    expect(repeats.filter(([, late]) => late)).to.have.length(5);
    await clock.advance(5_100);
    expect(await done).to.equal(20);
  });

  it('are made up for when the bus was away, and counted as they are', async () => {
    const clock = virtualClock();
    let away = true;
    const tap = { repeat: async () => !away, close: async () => undefined };
    const done = repeatEvents(tap, 20, 10_000, clock, new AbortController().signal);
    await clock.advance(12_000);
    away = false;
    await clock.advance(100);
    expect(await done).to.equal(20);

    away = true;
    const never = repeatEvents(tap, 20, 10_000, clock, new AbortController().signal);
    await clock.advance(21_000);
    expect(await never).to.equal(0);
  });
});
