import { expect } from 'chai';
import { type CollectingLog, collectingLog } from '../testing/collecting-log.js';
import { testContext } from '../testing/test-context.js';
import { type VirtualClock, virtualClock } from '../testing/virtual-clock.js';
import type { Worker } from './service.js';
import { startWorker } from './worker-loop.js';

describe('a worker', () => {
  let time: VirtualClock;
  let log: CollectingLog;
  let deadlines: number[];
  beforeEach(() => {
    time = virtualClock();
    log = collectingLog();
    deadlines = [];
  });

  const start = (worker: Omit<Worker, 'name'>) =>
    startWorker({
      worker: { name: 'sweep', ...worker },
      timers: time.timers,
      log,
      background: ({ deadlineMs }, work) => {
        deadlines.push(deadlineMs);
        return work(testContext({ clock: time.clock }));
      },
    });

  it('pauses before its first run and after the end of each', async () => {
    const beganMs: number[] = [];
    const stop = start({
      everyMs: 100,
      run: async () => {
        beganMs.push(time.clock.monotonicMs());
        await time.timers.sleep(30);
      },
    });
    await time.advance(400);
    expect(beganMs).to.deep.equal([100, 230, 360]);
    await stop();
  });

  it('never runs twice at once, however long a run takes', async () => {
    let running = 0;
    let most = 0;
    const stop = start({
      everyMs: 10,
      run: async () => {
        running += 1;
        most = Math.max(most, running);
        await time.timers.sleep(1_000);
        running -= 1;
      },
    });
    await time.advance(5_000);
    expect(most).to.equal(1);
    const stopped = stop();
    await time.advance(1_000);
    await stopped;
  });

  it('gives each run a context of its own: 10 s, or what the worker asks for', async () => {
    const stop = start({ everyMs: 10, run: async () => undefined });
    await time.advance(25);
    await stop();
    const stopOther = start({ everyMs: 10, deadlineMs: 500, run: async () => undefined });
    await time.advance(10);
    await stopOther();
    expect(deadlines).to.deep.equal([10_000, 10_000, 500]);
  });

  it('logs a run that fails, later or at once, and goes on', async () => {
    let runs = 0;
    const stop = start({
      everyMs: 10,
      run: () => {
        runs += 1;
        if (runs === 1) throw new Error('at once');
        return runs === 2 ? Promise.reject(new Error('later')) : Promise.resolve();
      },
    });
    await time.advance(35);
    await stop();
    expect(runs).to.equal(3);
    expect(log.lines.map(({ level, fields }) => [level, fields['worker'], fields['error']])).to.deep.equal([
      ['warn', 'sweep', 'Error: at once'],
      ['warn', 'sweep', 'Error: later'],
    ]);
  });

  it('that is stopped in its pause never runs again and leaves no timer behind', async () => {
    let runs = 0;
    const stop = start({
      everyMs: 10,
      run: async () => {
        runs += 1;
      },
    });
    await time.advance(15);
    await stop();
    expect(time.pendingTimers()).to.equal(0);
    await time.advance(1_000);
    expect(runs).to.equal(1);
  });

  it('that is stopped in a run is awaited, once more or twice', async () => {
    let ended = false;
    const stop = start({
      everyMs: 10,
      run: async () => {
        await time.timers.sleep(50);
        ended = true;
      },
    });
    await time.advance(20);
    const stopped = Promise.all([stop(), stop()]);
    let settled = false;
    void stopped.then(() => {
      settled = true;
    });
    await time.settle();
    expect(settled).to.equal(false);
    await time.advance(50);
    await stopped;
    expect(ended).to.equal(true);
    expect(time.pendingTimers()).to.equal(0);
  });
});
