import { expect } from 'chai';
import { MeshError } from '../../mesh/contract/error.js';
import type { RateLimiter } from './rate-limiter.js';

/** A limiter, as its test sets it up. */
export interface LimiterSetup {
  readonly limiter: RateLimiter;
  /** Lets this much time go by. */
  pass(ms: number): Promise<void>;
}

/** What is left of requests: `undefined` for one that passed, the wait for one that was refused. */
export async function waitOf(taken: Promise<void>): Promise<number | undefined> {
  const error = await taken.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error === undefined) return undefined;
  if (!MeshError.is(error)) throw error;
  expect([error.code, error.reason]).to.deep.equal(['RESOURCE_EXHAUSTED', 'RATE_LIMITED']);
  return Number(error.metadata['retryAfterMs']);
}

/** What every limiter does alike. */
export function limiterContract(name: string, open: () => Promise<LimiterSetup>): void {
  describe(`rate limits: ${name}`, () => {
    let setup: LimiterSetup;
    beforeEach(async () => {
      setup = await open();
    });
    const take = (bucket: string, limit = { tokensPerSecond: 2, burst: 3 }) =>
      waitOf(setup.limiter.take(bucket, limit));

    it('let a burst pass, then refuse, and tell how long to wait', async () => {
      expect([await take('a'), await take('a'), await take('a')]).to.deep.equal([
        undefined,
        undefined,
        undefined,
      ]);
      expect(await take('a')).to.be.within(1, 500);
    });

    it('let one more pass after the wait that was told, and refuse costs nothing', async () => {
      for (let number = 0; number < 3; number += 1) await take('a');
      let waitMs = 0;
      for (let number = 0; number < 5; number += 1) waitMs = (await take('a')) ?? Number.NaN;
      await setup.pass(waitMs + 1);
      expect(await take('a')).to.equal(undefined);
      expect(await take('a')).to.be.within(1, 500);
    });

    it('gather no more than the burst', async () => {
      await take('a');
      await setup.pass(1_000);
      expect([await take('a'), await take('a'), await take('a')]).to.deep.equal([
        undefined,
        undefined,
        undefined,
      ]);
      expect(await take('a')).to.be.a('number');
    });

    it('are apart by name, whatever is in it', async () => {
      const names = ['client 1.2.3.4', 'client ::1', 'user usr_1', 'user {a}:*\r\n', 'user ü'];
      const once = { tokensPerSecond: 0.01, burst: 1 };
      for (const each of names) expect(await take(each, once), each).to.equal(undefined);
      for (const each of names) expect(await take(each, once), each).to.be.within(90_000, 100_000);
    });

    it('let exactly the burst of many at once pass', async () => {
      const waits = await Promise.all(
        Array.from({ length: 40 }, () => take('a', { tokensPerSecond: 0.01, burst: 7 })),
      );
      expect(waits.filter((wait) => wait === undefined)).to.have.length(7);
    });
  });
}
