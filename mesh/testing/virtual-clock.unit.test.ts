import { getEventListeners } from 'node:events';
import { expect } from 'chai';
import fc from 'fast-check';
import { virtualClock } from './virtual-clock.js';

describe('virtual clock', () => {
  it('stands still until it is moved', async () => {
    const { clock, advance } = virtualClock({ startMs: 1_000 });
    expect([clock.nowMs(), clock.monotonicMs()]).to.deep.equal([1_000, 0]);
    await advance(250.5);
    expect([clock.nowMs(), clock.monotonicMs()]).to.deep.equal([1_250, 250.5]);
  });

  it('runs each timer at its own moment, in order of time and then of making', () =>
    fc.assert(
      fc.asyncProperty(fc.array(fc.nat(100)), async (delaysMs) => {
        const { clock, timers, advance, pendingTimers } = virtualClock();
        const runs: [atMs: number, timer: number][] = [];
        delaysMs.forEach((delayMs, timer) => {
          timers.after(delayMs, () => runs.push([clock.monotonicMs(), timer]));
        });
        await advance(100);
        const wanted = delaysMs.map((delayMs, timer): [number, number] => [delayMs, timer]);
        expect(runs).to.deep.equal(wanted.sort(([a, m], [b, n]) => a - b || m - n));
        expect(pendingTimers()).to.equal(0);
      }),
      { numRuns: 30 },
    ));

  it('meets timers that are started while it moves', async () => {
    const { clock, timers, advance } = virtualClock();
    const beats: number[] = [];
    const beat = (async () => {
      for (let n = 0; n < 3; n += 1) {
        await timers.sleep(10);
        beats.push(clock.monotonicMs());
      }
    })();
    await advance(100);
    await beat;
    expect(beats).to.deep.equal([10, 20, 30]);
  });

  it('does not run a timer that was cancelled or is not due', async () => {
    const { timers, advance, pendingTimers } = virtualClock();
    const runs: string[] = [];
    timers.after(10, () => runs.push('cancelled'))();
    timers.after(21, () => runs.push('late'));
    await advance(20);
    expect(runs).to.deep.equal([]);
    expect(pendingTimers()).to.equal(1);
  });

  it('ends a sleep when its signal is aborted, and leaves neither timer nor listener', async () => {
    const { timers, advance, pendingTimers } = virtualClock();
    const controller = new AbortController();
    const reason = new Error('enough');
    const ended = timers.sleep(10, controller.signal).catch((error: unknown) => error);
    const slept = timers.sleep(5, controller.signal);
    await advance(5);
    await slept;
    controller.abort(reason);
    expect(await ended).to.equal(reason);
    expect(await timers.sleep(1, controller.signal).catch((error: unknown) => error)).to.equal(reason);
    expect(pendingTimers()).to.equal(0);
    expect(getEventListeners(controller.signal, 'abort')).to.have.length(0);
  });

  it('jumps to the next timer and tells how far that was', async () => {
    const { clock, timers, advanceToNextTimer } = virtualClock();
    timers.after(40, () => undefined);
    expect(await advanceToNextTimer()).to.equal(40);
    expect(clock.monotonicMs()).to.equal(40);
    expect(await advanceToNextTimer()).to.equal(undefined);
  });

  it('lets the wall time step back without moving timers', async () => {
    const { clock, timers, setWallTime, advance } = virtualClock({ startMs: 5_000 });
    let ran = false;
    timers.after(10, () => {
      ran = true;
    });
    setWallTime(1_000);
    expect(clock.nowMs()).to.equal(1_000);
    await advance(10);
    expect([clock.nowMs(), clock.monotonicMs(), ran]).to.deep.equal([1_010, 10, true]);
  });

  it('refuses to go back', () => {
    expect(() => virtualClock().advance(-1)).to.throw(RangeError, 'advance(-1)');
  });

  it('brings the same randomness for the same seed', () => {
    expect(virtualClock({ seed: 9 }).random.bytes(16)).to.deep.equal(
      virtualClock({ seed: 9 }).random.bytes(16),
    );
  });
});
