import { expect } from 'chai';
import { MeshError } from '../../mesh/contract/error.js';
import type { BucketTake } from '../../mesh/store/buckets.js';
import { collectingLog } from '../../mesh/testing/collecting-log.js';
import { type VirtualClock, virtualClock } from '../../mesh/testing/virtual-clock.js';
import { limiterContract, waitOf } from './contract-suite.js';
import { memoryRateLimiter } from './rate-limiter.js';
import { sharedRateLimiter } from './shared-rate-limiter.js';

limiterContract('in memory', async () => {
  const time = virtualClock();
  return { limiter: memoryRateLimiter(time.clock), pass: (ms) => time.advance(ms) };
});

describe('rate limits in memory', () => {
  it('forget the longest unused bucket when there are too many', async () => {
    const time = virtualClock();
    const limiter = memoryRateLimiter(time.clock, 2);
    const once = { tokensPerSecond: 0.001, burst: 1 };
    for (const name of ['a', 'b', 'c']) expect(await waitOf(limiter.take(name, once))).to.equal(undefined);
    expect(await waitOf(limiter.take('b', once))).to.be.a('number');
    expect(await waitOf(limiter.take('a', once))).to.equal(undefined);
  });
});

describe('rate limits that are shared', () => {
  let time: VirtualClock;
  let asked: number;
  let answer: () => Promise<BucketTake>;
  const log = () => collected.lines.map(({ level }) => level);
  let collected = collectingLog();
  const limit = { tokensPerSecond: 1, burst: 2 };
  const make = () =>
    sharedRateLimiter({
      buckets: {
        take: () => {
          asked += 1;
          return answer();
        },
      },
      fallback: memoryRateLimiter(time.clock),
      clock: time.clock,
      log: collected,
    });
  const away = async (): Promise<BucketTake> => {
    throw new MeshError({ code: 'UNAVAILABLE', reason: 'STORAGE_UNAVAILABLE', message: 'away' });
  };
  const allowed = async () => ({ allowed: true, retryAfterMs: 0 });

  beforeEach(() => {
    time = virtualClock();
    asked = 0;
    answer = allowed;
    collected = collectingLog();
  });

  it('are those of the shared buckets', async () => {
    const limiter = make();
    for (let number = 0; number < 5; number += 1)
      expect(await waitOf(limiter.take('a', limit))).to.equal(undefined);
    answer = async () => ({ allowed: false, retryAfterMs: 42 });
    expect(await waitOf(limiter.take('a', limit))).to.equal(42);
    expect(log()).to.deep.equal([]);
  });

  it("are this gateway's own while the shared ones are away: told once, asked once a second", async () => {
    answer = away;
    const limiter = make();
    const waits = [];
    for (let number = 0; number < 5; number += 1) waits.push(await waitOf(limiter.take('a', limit)));
    expect(waits.map((wait) => wait === undefined)).to.deep.equal([true, true, false, false, false]);
    expect(asked).to.equal(1);
    for (let second = 0; second < 10; second += 1) {
      await time.advance(1_000);
      await Promise.all(Array.from({ length: 20 }, () => waitOf(limiter.take('b', limit))));
    }
    expect(asked).to.equal(11);
    expect(log()).to.deep.equal(['warn']);
  });

  it('make nobody but the one who asks wait for shared ones that are slow', async () => {
    answer = away;
    const limiter = make();
    await limiter.take('a', limit);
    await time.advance(1_000);
    answer = () => time.timers.sleep(50).then(away);
    const asking = limiter.take('b', limit);
    await limiter.take('c', limit);
    await time.advance(50);
    await asking;
    expect(asked).to.equal(2);
  });

  it('are shared again when the others are back', async () => {
    answer = away;
    const limiter = make();
    for (let number = 0; number < 3; number += 1) await waitOf(limiter.take('a', limit));
    answer = allowed;
    await time.advance(1_000);
    for (let number = 0; number < 5; number += 1)
      expect(await waitOf(limiter.take('a', limit))).to.equal(undefined);
    expect(log()).to.deep.equal(['warn', 'info']);
  });
});
