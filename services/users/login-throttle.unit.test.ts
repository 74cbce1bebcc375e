import { expect } from 'chai';
import fc from 'fast-check';
import { type VirtualClock, virtualClock } from '../../mesh/testing/virtual-clock.js';
import { createLoginThrottle } from './login-throttle.js';

const minuteMs = 60_000;

describe('the login throttle', () => {
  let time: VirtualClock;
  beforeEach(() => {
    time = virtualClock();
  });

  const failTimes = (throttle: ReturnType<typeof createLoginThrottle>, email: string, times: number) => {
    for (let time = 0; time < times; time += 1) throttle.failed(email);
  };

  it('lets nine wrong passwords pass and closes the account at the tenth', () => {
    const throttle = createLoginThrottle(time.clock);
    failTimes(throttle, 'ada', 9);
    expect(throttle.waitMs('ada')).to.equal(0);
    throttle.failed('ada');
    expect(throttle.waitMs('ada')).to.equal(10 * minuteMs);
  });

  it('closes one account, not its neighbours', () => {
    const throttle = createLoginThrottle(time.clock);
    failTimes(throttle, 'ada', 10);
    expect(throttle.waitMs('bob')).to.equal(0);
  });

  it('opens again when the window that began with the first wrong try is over', async () => {
    const throttle = createLoginThrottle(time.clock);
    throttle.failed('ada');
    await time.advance(4 * minuteMs);
    failTimes(throttle, 'ada', 9);
    expect(throttle.waitMs('ada')).to.equal(6 * minuteMs);
    await time.advance(6 * minuteMs - 1);
    expect(throttle.waitMs('ada')).to.equal(1);
    await time.advance(1);
    expect(throttle.waitMs('ada')).to.equal(0);
    throttle.failed('ada');
    expect(throttle.waitMs('ada')).to.equal(0);
  });

  it('does not wait longer for tries while the account is closed', async () => {
    const throttle = createLoginThrottle(time.clock);
    failTimes(throttle, 'ada', 10);
    await time.advance(minuteMs);
    failTimes(throttle, 'ada', 1_000);
    expect(throttle.waitMs('ada')).to.equal(9 * minuteMs);
  });

  it('forgets wrong passwords at the right one', () => {
    const throttle = createLoginThrottle(time.clock);
    failTimes(throttle, 'ada', 9);
    throttle.succeeded('ada');
    failTimes(throttle, 'ada', 9);
    expect(throttle.waitMs('ada')).to.equal(0);
  });

  it('does not notice when the wall clock is set', () => {
    const throttle = createLoginThrottle(time.clock);
    failTimes(throttle, 'ada', 10);
    time.setWallTime(time.clock.nowMs() + 86_400_000);
    expect(throttle.waitMs('ada')).to.equal(10 * minuteMs);
  });

  it('remembers no more accounts than it may: the oldest goes first', () => {
    const throttle = createLoginThrottle(time.clock, { maxFailures: 1, maxAccounts: 2 });
    for (const email of ['ada', 'bob', 'cid']) throttle.failed(email);
    expect(['ada', 'bob', 'cid'].map((email) => throttle.waitMs(email) > 0)).to.deep.equal([
      false,
      true,
      true,
    ]);
  });

  it('lets no more tries through than allowed in any window', async () => {
    const pauses = fc.array(fc.integer({ min: 0, max: 2_000 }), { minLength: 1, maxLength: 200 });
    await fc.assert(
      fc.asyncProperty(pauses, async (pausesMs) => {
        const own = virtualClock();
        const throttle = createLoginThrottle(own.clock, { maxFailures: 3, windowMs: 1_000 });
        let opened: number | undefined;
        let tried = 0;
        for (const pauseMs of pausesMs) {
          await own.advance(pauseMs);
          if (throttle.waitMs('ada') > 0) continue;
          if (opened === undefined || own.clock.monotonicMs() - opened >= 1_000) {
            opened = own.clock.monotonicMs();
            tried = 0;
          }
          tried += 1;
          expect(tried).to.be.at.most(3);
          throttle.failed('ada');
        }
      }),
      { numRuns: 30 },
    );
  });
});
