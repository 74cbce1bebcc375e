import { kill } from 'node:process';
import { expect } from 'chai';
import { machineAmbient } from '../../mesh/runtime/ambient.js';
import { openRedisBuckets } from '../../mesh/store/redis-buckets.js';
import { openRedis, type Redis } from '../../mesh/store/redis-connection.js';
import { collectingLog } from '../../mesh/testing/collecting-log.js';
import { eventually } from '../../mesh/testing/eventually.js';
import { startTestRedis, type TestRedis } from '../../mesh/testing/redis-server.js';
import { limiterContract, waitOf } from './contract-suite.js';
import { memoryRateLimiter } from './rate-limiter.js';
import { sharedRateLimiter } from './shared-rate-limiter.js';

describe('rate limits on Redis', function () {
  this.timeout(30_000);
  const ambient = machineAmbient();
  let server: TestRedis;
  let redis: Redis;
  let other: Redis;
  const log = collectingLog();
  before(async () => {
    server = await startTestRedis();
    redis = openRedis({ url: server.url, name: 'gateway', log });
    other = openRedis({ url: server.url, name: 'gateway', log });
    await Promise.all([redis.ping(), other.ping()]);
  });
  after(async () => {
    redis?.disconnect();
    other?.disconnect();
    await server?.end();
  });

  const make = (connection: Redis, limiterLog = collectingLog(), withinMs?: number) =>
    sharedRateLimiter({
      buckets: openRedisBuckets({
        service: 'gateway',
        redis: connection,
        timers: ambient.timers,
        ...(withinMs === undefined ? {} : { withinMs }),
      }),
      fallback: memoryRateLimiter(ambient.clock),
      clock: ambient.clock,
      log: limiterLog,
    });

  limiterContract('in Redis', async () => {
    await redis.flushall();
    // A machine that is busy with other tests answers late: that is another test's matter.
    return { limiter: make(redis, collectingLog(), 2_000), pass: (ms) => ambient.timers.sleep(ms) };
  });

  it('count together what several gateways let pass', async () => {
    await redis.flushall();
    const limit = { tokensPerSecond: 0.01, burst: 10 };
    const limiters = [make(redis, collectingLog(), 2_000), make(other, collectingLog(), 2_000)];
    const takes = limiters.flatMap((limiter) =>
      Array.from({ length: 15 }, () => waitOf(limiter.take('a', limit))),
    );
    const waits = await Promise.all(takes);
    expect(waits.filter((wait) => wait === undefined)).to.have.length(10);
  });

  it('leave nothing behind in Redis when a bucket is full again', async () => {
    await redis.flushall();
    const limiter = make(redis, collectingLog(), 2_000);
    await limiter.take('a', { tokensPerSecond: 10, burst: 2 });
    await limiter.take('b', { tokensPerSecond: 1 / 60, burst: 2 });
    expect(await redis.pttl('meshmart:bucket:gateway:b')).to.be.within(50_000, 60_000);
    await eventually(async () => (await redis.dbsize()) === 1, { withinMs: 2_000 });
  });

  it('go on by memory while Redis is away, hangs, and are shared again when it is back', async () => {
    await redis.flushall();
    const told = collectingLog();
    const limiter = make(redis, told);
    const limit = { tokensPerSecond: 0.01, burst: 5 };
    const timed = async (name: string) => {
      const startedMs = performance.now();
      const wait = await waitOf(limiter.take(name, limit));
      return { wait, ms: performance.now() - startedMs };
    };
    const pid = Number(/process_id:(\d+)/.exec(await redis.info('server'))?.[1]);
    kill(pid, 'SIGSTOP');
    try {
      const first = await timed('hung');
      expect(first.wait).to.equal(undefined);
      // Less than the second that a command of Redis may take.
      expect(first.ms).to.be.below(900);
      // Who has waited once does not again: the quickest tells, for the machine may interrupt the others.
      const laterMs = [];
      for (let number = 0; number < 4; number += 1) laterMs.push((await timed('hung')).ms);
      expect(Math.min(...laterMs)).to.be.below(20);
      expect((await timed('hung')).wait).to.be.a('number');
    } finally {
      kill(pid, 'SIGCONT');
    }
    const shared = () =>
      eventually(() => told.lines.at(-1)?.level === 'info' || timed('probe').then(() => false), {
        withinMs: 5_000,
        everyMs: 100,
      });
    await shared();
    await server.kill();
    const waits = [];
    for (let number = 0; number < 7; number += 1) waits.push(await timed('away'));
    expect(waits.filter(({ wait }) => wait === undefined)).to.have.length(5);
    expect(Math.max(...waits.map(({ ms }) => ms))).to.be.below(900);
    await server.start();
    await shared();
    expect(told.lines.map(({ level }) => level)).to.deep.equal(['warn', 'info', 'warn', 'info']);
  });
});
