import { expect } from 'chai';
import fc from 'fast-check';
import { type VirtualClock, virtualClock } from '../testing/virtual-clock.js';
import { type AdaptiveBreaker, type BreakerState, createAdaptiveBreaker } from './adaptive-breaker.js';
import type { CalleeVerdict } from './failure-kind.js';

/** What a callee does with a call that arrives `atMs`: how it ends, after how long. */
type Callee = (atMs: number) => { readonly verdict: CalleeVerdict; readonly afterMs: number };

interface Traffic {
  readonly perSecond: number;
  readonly forMs: number;
  readonly callee: Callee;
}

/** When calls were sent and when they were rejected, in milliseconds of the clock. */
interface Seen {
  readonly sent: number[];
  readonly rejected: number[];
}

const well: Callee = () => ({ verdict: 'well', afterMs: 5 });
const refusing: Callee = () => ({ verdict: 'broken', afterMs: 1 });
const hung: Callee = () => ({ verdict: 'broken', afterMs: 150 });

/** Sends calls at a steady rate. */
async function send(clock: VirtualClock, breaker: AdaptiveBreaker, traffic: Traffic): Promise<Seen> {
  const { perSecond, forMs, callee } = traffic;
  const seen: Seen = { sent: [], rejected: [] };
  const everyMs = 1_000 / perSecond;
  for (let n = 0; n < Math.round(forMs / everyMs); n += 1) {
    const nowMs = clock.clock.monotonicMs();
    const permit = breaker.admit();
    if (permit === undefined) seen.rejected.push(nowMs);
    else {
      seen.sent.push(nowMs);
      const { verdict, afterMs } = callee(nowMs);
      clock.timers.after(afterMs, () => permit.end(verdict));
    }
    await clock.advance(everyMs);
  }
  return seen;
}

describe('the adaptive breaker', function () {
  this.timeout(30_000);
  let clock: VirtualClock;
  let breaker: AdaptiveBreaker;
  beforeEach(() => {
    clock = virtualClock();
    breaker = createAdaptiveBreaker(clock);
  });
  const nowMs = () => clock.clock.monotonicMs();

  for (const perSecond of [5, 200]) {
    for (const [how, callee] of [
      ['refuses', refusing],
      ['hangs', hung],
    ] as const) {
      describe(`at ${perSecond} calls a second, when the callee ${how}`, () => {
        beforeEach(() => send(clock, breaker, { perSecond, forMs: 10_000, callee: well }));

        it('opens within a second', async () => {
          await send(clock, breaker, { perSecond, forMs: 1_000, callee });
          expect(breaker.state()).to.include({ word: 'open', rejectionProbability: 1 });
        });

        it('lets only two probes a second out while it is open', async () => {
          await send(clock, breaker, { perSecond, forMs: 1_000, callee });
          const { sent } = await send(clock, breaker, { perSecond, forMs: 20_000, callee });
          expect(sent.length).to.be.within(20, 40);
          for (const [index, atMs] of sent.slice(1).entries())
            expect(atMs - (sent[index] ?? 0)).to.be.at.least(500);
        });

        for (const outageMs of [700, 3_000, 60_000]) {
          it(`rejects nothing any more 5 s after an outage of ${outageMs} ms`, async () => {
            await send(clock, breaker, { perSecond, forMs: outageMs, callee });
            const { rejected } = await send(clock, breaker, { perSecond, forMs: 20_000, callee: well });
            const wellSinceMs = nowMs() - 20_000;
            expect(Math.max(0, ...rejected) - wellSinceMs).to.be.below(5_000);
            expect(breaker.state().word).to.equal('closed');
          });
        }
      });
    }
  }

  it('gives a callee that can do 20 calls a second about twice that, when asked for 200', async () => {
    let budget = 0;
    let refilledMs = 0;
    const busy: Callee = (atMs) => {
      budget = Math.min(5, budget + ((atMs - refilledMs) * 20) / 1_000);
      refilledMs = atMs;
      if (budget < 1) return { verdict: 'overloaded', afterMs: 1 };
      budget -= 1;
      return { verdict: 'well', afterMs: 20 };
    };
    await send(clock, breaker, { perSecond: 200, forMs: 10_000, callee: busy });
    const { sent } = await send(clock, breaker, { perSecond: 200, forMs: 10_000, callee: busy });
    expect(sent.length / 10).to.be.within(25, 70);
  });

  it('rejects nothing any more 5 s after a callee that did a part of its calls does them all', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 95 }),
        fc.constantFrom(5, 20, 200),
        fc.integer({ min: 1, max: 1_000_000 }),
        async (percentWell, perSecond, seed) => {
          const its = virtualClock({ seed });
          const made = createAdaptiveBreaker(its);
          const partly: Callee = () => ({
            verdict: its.random.next() * 100 < percentWell ? 'well' : 'broken',
            afterMs: 3,
          });
          await send(its, made, { perSecond, forMs: 6_000, callee: partly });
          const wellSinceMs = its.clock.monotonicMs();
          const { rejected } = await send(its, made, { perSecond, forMs: 8_000, callee: well });
          expect(Math.max(0, ...rejected) - wellSinceMs).to.be.below(5_000);
        },
      ),
      { numRuns: 25 },
    );
  });

  it('never rejects when all calls are answered, whatever their rate and how long they take', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({
            pauseMs: fc.integer({ min: 0, max: 2_000 }),
            afterMs: fc.integer({ max: 5_000, min: 0 }),
          }),
          { maxLength: 200 },
        ),
        async (calls) => {
          const its = virtualClock();
          const made = createAdaptiveBreaker(its);
          for (const { pauseMs, afterMs } of calls) {
            const permit = made.admit();
            expect(permit?.kind).to.equal('call');
            its.timers.after(afterMs, () => permit?.end('well'));
            await its.advance(pauseMs);
          }
        },
      ),
      { numRuns: 30 },
    );
  });

  it('rejects only after failures of the last while', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.constantFrom<CalleeVerdict>('well', 'broken', 'unknown'), fc.nat(1_500)), {
          maxLength: 300,
        }),
        async (calls) => {
          const its = virtualClock();
          const made = createAdaptiveBreaker(its);
          let failures = 0;
          for (const [verdict, pauseMs] of calls) {
            const permit = made.admit();
            if (permit === undefined) expect(failures).to.be.at.least(3);
            if (permit !== undefined && verdict === 'broken') failures += 1;
            permit?.end(verdict);
            await its.advance(pauseMs);
          }
        },
      ),
      { numRuns: 30 },
    );
  });

  /** One call that ends at once. */
  const once = (verdict: CalleeVerdict) => {
    const permit = breaker.admit();
    permit?.end(verdict);
    return permit?.kind;
  };

  it('waits again after a success that was followed by a failure', async () => {
    await send(clock, breaker, { perSecond: 20, forMs: 600, callee: refusing });
    await clock.advance(500);
    expect([once('well'), once('well'), once('broken')]).to.deep.equal(['probe', 'probe', 'probe']);
    await clock.advance(499);
    expect(once('well')).to.equal(undefined);
    await clock.advance(1);
    expect(once('well')).to.equal('probe');
    expect(breaker.state().word, 'after one success').to.equal('open');
    expect([once('well'), once('well'), once('well')]).to.deep.equal(['probe', 'probe', 'call']);
  });

  it('is not opened by single failures far apart', async () => {
    for (let n = 0; n < 10; n += 1) {
      expect(once('broken')).to.equal('call');
      await clock.advance(4_000);
    }
  });

  it('throttles on through a few successes, until there was no failure for a second', async () => {
    const permits = Array.from({ length: 4 }, () => breaker.admit());
    for (let n = 0; n < 40; n += 1) once('broken');
    const word = () => breaker.state().word;
    expect(word()).to.equal('throttling');
    for (const permit of permits.slice(0, 3)) permit?.end('well');
    expect(word()).to.equal('throttling');
    await clock.advance(1_000);
    permits[3]?.end('well');
    expect(word()).to.equal('closed');
  });

  it('is not opened by a short burst of failures', async () => {
    await send(clock, breaker, { perSecond: 200, forMs: 5_000, callee: well });
    await send(clock, breaker, { perSecond: 200, forMs: 300, callee: refusing });
    expect(breaker.state().word).to.equal('closed');
    const { rejected } = await send(clock, breaker, { perSecond: 200, forMs: 1_000, callee: well });
    expect(rejected).to.deep.equal([]);
  });

  it('counts nothing for calls of which nothing is known', async () => {
    const { rejected } = await send(clock, breaker, {
      perSecond: 50,
      forMs: 10_000,
      callee: () => ({ verdict: 'unknown', afterMs: 1 }),
    });
    expect(rejected).to.deep.equal([]);
    expect(breaker.state()).to.include({ requests: 0, accepts: 0 });
  });

  it('does not let late failures of calls from before spoil the recovery', async () => {
    const slow: Callee = () => ({ verdict: 'broken', afterMs: 3_000 });
    await send(clock, breaker, { perSecond: 100, forMs: 4_500, callee: slow });
    expect(breaker.state().word).to.equal('open');
    const { rejected } = await send(clock, breaker, { perSecond: 100, forMs: 6_000, callee: well });
    expect(Math.max(...rejected)).to.be.below(nowMs() - 5_000);
  });

  it('forgets an outage when nobody has asked for a while', async () => {
    await send(clock, breaker, { perSecond: 20, forMs: 2_000, callee: refusing });
    expect(breaker.state().word).to.equal('open');
    await clock.advance(11_000);
    expect(breaker.admit()?.kind).to.equal('call');
    expect(breaker.state()).to.deep.equal({
      word: 'closed',
      requests: 0,
      accepts: 0,
      rejectionProbability: 0,
    });
  });

  it('tells its listeners of each change, until they have heard enough', async () => {
    const words: BreakerState['word'][] = [];
    const stop = breaker.onChange(({ word }) => words.push(word));
    await send(clock, breaker, { perSecond: 20, forMs: 2_000, callee: hung });
    await send(clock, breaker, { perSecond: 20, forMs: 2_000, callee: well });
    stop();
    await send(clock, breaker, { perSecond: 20, forMs: 2_000, callee: hung });
    expect(words.at(-1)).to.equal('closed');
    expect(words).to.include('open');
    expect(words.every((word, index) => word !== words[index - 1])).to.equal(true);
  });

  it('counts how a call ended only once', async () => {
    const permit = breaker.admit();
    permit?.end('well');
    permit?.end('broken');
    expect(breaker.state()).to.include({ requests: 1, accepts: 1 });
  });

  it('costs much less than a millisecond, open or not', async () => {
    await send(clock, breaker, { perSecond: 200, forMs: 2_000, callee: refusing });
    const beganMs = performance.now();
    for (let n = 0; n < 10_000; n += 1) breaker.admit()?.end('broken');
    expect((performance.now() - beganMs) / 10_000).to.be.below(0.1);
  });
});
