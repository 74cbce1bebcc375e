import { expect } from 'chai';
import fc from 'fast-check';
import { virtualClock } from '../testing/virtual-clock.js';
import { createLoadMemory, type LoadSample, loadBetween } from './load.js';

const sample = (fields: Partial<LoadSample>): LoadSample => ({
  atMs: 0,
  requestsInFlight: 0,
  requestSeconds: 0,
  lagSeconds: 0,
  looks: 0,
  ...fields,
});

describe('the load of an instance', () => {
  it('is the mean between two samples, whatever the moment shows', () => {
    const earlier = sample({ atMs: 1_000, requestSeconds: 10, lagSeconds: 1, looks: 100 });
    const later = sample({
      atMs: 11_000,
      requestsInFlight: 7,
      requestSeconds: 30,
      lagSeconds: 3,
      looks: 200,
    });
    expect(loadBetween(earlier, later)).to.deep.equal({
      requestsInFlight: 2,
      eventLoopLagMs: 20,
      windowMs: 10_000,
    });
  });

  it('is that of the moment when it is looked at for the first time, or has begun anew', () => {
    const later = sample({ atMs: 9_000, requestsInFlight: 7, requestSeconds: 3, lagSeconds: 0.5, looks: 50 });
    const moment = { requestsInFlight: 7, eventLoopLagMs: 10, windowMs: 0 };
    expect(loadBetween(undefined, later)).to.deep.equal(moment);
    expect(loadBetween(sample({ requestSeconds: 90, looks: 900 }), later)).to.deep.equal(moment);
  });

  it('is never less than nothing, nor more than there has been in flight at once', () => {
    const steps = fc.array(fc.record({ forMs: fc.integer({ min: 1, max: 60_000 }), inFlight: fc.nat(500) }), {
      minLength: 2,
    });
    fc.assert(
      fc.property(steps, (lived) => {
        const samples = [sample({})];
        for (const { forMs, inFlight } of lived) {
          const last = samples.at(-1) as LoadSample;
          samples.push(
            sample({
              atMs: last.atMs + forMs,
              requestsInFlight: inFlight,
              requestSeconds: last.requestSeconds + (inFlight * forMs) / 1_000,
            }),
          );
        }
        const load = loadBetween(samples[0], samples.at(-1) as LoadSample);
        const most = Math.max(...lived.map(({ inFlight }) => inFlight));
        expect(load.requestsInFlight).to.be.within(0, most + 1e-6);
      }),
    );
  });
});

describe('the memory of loads', () => {
  /** An instance that has `inFlight` requests all the time, looked at whenever the test says so. */
  function watched() {
    const world = virtualClock();
    const memory = createLoadMemory({ clock: world.clock });
    let seconds = 0;
    const wait = async (ms: number, inFlight: number) => {
      await world.advance(ms);
      seconds += (inFlight * ms) / 1_000;
    };
    const look = (instance = 'a') =>
      memory.add(instance, sample({ atMs: world.clock.monotonicMs(), requestSeconds: seconds, looks: 1 }));
    return { wait, look };
  }

  it('looks back as far as its window, and no farther', async () => {
    const { wait, look } = watched();
    look();
    await wait(15_000, 10);
    expect(look()).to.include({ requestsInFlight: 10, windowMs: 15_000 });
    await wait(15_000, 0);
    expect(look()).to.include({ requestsInFlight: 5, windowMs: 30_000 });
    await wait(15_000, 0);
    expect(look()).to.include({ requestsInFlight: 0, windowMs: 30_000 });
  });

  it('gives two who ask one after the other the same', async () => {
    const { wait, look } = watched();
    look();
    await wait(15_000, 4);
    const first = look();
    await wait(20, 40);
    expect(look().requestsInFlight).to.be.closeTo(first.requestsInFlight, 0.1);
  });

  it('tells instances apart, and forgets those that nobody has asked about', async () => {
    const { wait, look } = watched();
    look('a');
    await wait(10_000, 3);
    expect(look('b').windowMs).to.equal(0);
    await wait(31_000, 3);
    expect(look('a').windowMs).to.equal(0);
  });
});
