import { expect } from 'chai';
import { afterCrash, type CrashHistory, defaultRestartPolicy, noCrashes } from './restart-policy.js';

describe('the restart policy', () => {
  it('waits twice as long after each crash that follows soon, up to its limit', () => {
    let history: CrashHistory = noCrashes;
    const delaysMs: number[] = [];
    for (let crash = 0; crash < 10; crash += 1) {
      const decided = afterCrash(history, 50);
      history = decided.history;
      delaysMs.push(decided.delayMs);
    }
    expect(delaysMs).to.deep.equal([100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000, 10_000]);
  });

  it('forgets the crashes of a process that has run well since', () => {
    const { delayMs } = afterCrash({ inARow: 7 }, defaultRestartPolicy.forgivenAfterMs);
    expect(delayMs).to.equal(defaultRestartPolicy.baseDelayMs);
  });

  it('does not overflow when a process has crashed for weeks', () => {
    expect(afterCrash({ inARow: 1_000_000 }, 1).delayMs).to.equal(10_000);
  });
});
