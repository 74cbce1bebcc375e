import { expect } from 'chai';
import { machineAmbient } from '../runtime/ambient.js';
import { eventually } from '../testing/eventually.js';
import { virtualClock } from '../testing/virtual-clock.js';
import { startEventLoopSampler } from './event-loop.js';

describe('event loop sampler', () => {
  it('measures by how much its timer was late, since the last reading', async () => {
    const world = virtualClock();
    let blockedMs = 0;
    const clock = { monotonicMs: () => world.clock.monotonicMs() + blockedMs };
    const sampler = startEventLoopSampler({ clock, timers: world.timers, everyMs: 10 });
    for (const lagMs of [0, 0, 30, 0, 10]) {
      blockedMs += lagMs;
      await world.advance(10);
    }
    expect(sampler.read()).to.deep.equal({ meanMs: 8, p99Ms: 30, maxMs: 30 });
    await world.advance(10);
    expect(sampler.read()).to.deep.equal({ meanMs: 0, p99Ms: 0, maxMs: 0 });
  });

  it('leaves the rare longest out of the 99th percentile, and keeps it as the longest', async () => {
    const world = virtualClock();
    let blockedMs = 0;
    const clock = { monotonicMs: () => world.clock.monotonicMs() + blockedMs };
    const sampler = startEventLoopSampler({ clock, timers: world.timers, everyMs: 10 });
    for (let look = 1; look <= 2_000; look += 1) {
      blockedMs += look === 1 ? 500 : 0;
      await world.advance(10);
    }
    expect(sampler.read()).to.include({ p99Ms: 0, maxMs: 500 });
  });

  it('sees a block of this very process', async () => {
    const sampler = startEventLoopSampler({ ...machineAmbient(), everyMs: 5 });
    try {
      const untilMs = performance.now() + 80;
      while (performance.now() < untilMs);
      await eventually(() => sampler.read().maxMs > 50);
    } finally {
      sampler.stop();
    }
  });

  it('leaves no timer behind when it is stopped', async () => {
    const world = virtualClock();
    const sampler = startEventLoopSampler(world);
    await world.advance(100);
    sampler.stop();
    expect(world.pendingTimers()).to.equal(0);
    expect(sampler.read()).to.deep.equal({ meanMs: 0, p99Ms: 0, maxMs: 0 });
  });
});
