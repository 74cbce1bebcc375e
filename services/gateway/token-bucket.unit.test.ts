import { expect } from 'chai';
import fc from 'fast-check';
import { type BucketState, takeToken } from './token-bucket.js';

const limits = fc.record({
  tokensPerSecond: fc.double({ min: 0.01, max: 1_000, noNaN: true }),
  burst: fc.integer({ min: 1, max: 500 }),
});

/** Takes a token at each of these moments; gives the moments at which one was let through. */
function allowedAt(limit: Parameters<typeof takeToken>[1], moments: readonly number[]): number[] {
  let state: BucketState | undefined;
  return moments.filter((nowMs) => {
    const answer = takeToken(state, limit, nowMs);
    state = answer.state;
    return answer.allowed;
  });
}

/** Moments one after the other, some at once. */
const moments = fc
  .array(fc.oneof(fc.constant(0), fc.double({ min: 0, max: 5_000, noNaN: true })), { maxLength: 300 })
  .map((gaps) => {
    let nowMs = 0;
    return gaps.map((gap) => {
      nowMs += gap;
      return nowMs;
    });
  });

describe('a token bucket', () => {
  it('lets never more through than burst + rate * time, in whatever stretch of time', () => {
    fc.assert(
      fc.property(limits, moments, (limit, tries) => {
        const allowed = allowedAt(limit, tries);
        allowed.forEach((from, first) => {
          allowed.slice(first).forEach((to, more) => {
            const most = limit.burst + ((to - from) / 1_000) * limit.tokensPerSecond;
            expect(more + 1).to.be.at.most(most + 1e-6);
          });
        });
      }),
    );
  });

  it('lets through at once what was told to wait, after the wait, and not before', () => {
    fc.assert(
      fc.property(limits, moments, (limit, tries) => {
        let state: BucketState | undefined;
        for (const nowMs of tries) {
          const answer = takeToken(state, limit, nowMs);
          state = answer.state;
          if (answer.allowed) {
            expect(answer.retryAfterMs).to.equal(0);
            continue;
          }
          expect(answer.retryAfterMs).to.be.greaterThan(0);
          // A millisecond more, because the told wait is a whole number and the sum of many steps is not.
          expect(takeToken(state, limit, nowMs + answer.retryAfterMs + 1).allowed).to.equal(true);
          expect(takeToken(state, limit, nowMs + Math.max(0, answer.retryAfterMs - 2)).allowed).to.equal(
            false,
          );
        }
      }),
    );
  });

  it('holds from none to its burst, always', () => {
    fc.assert(
      fc.property(limits, moments, (limit, tries) => {
        let state: BucketState | undefined;
        for (const nowMs of tries) {
          state = takeToken(state, limit, nowMs).state;
          expect(state.tokens).to.be.within(0, limit.burst);
        }
      }),
    );
  });

  it('is full when it is new, and lets its burst through at once', () => {
    const limit = { tokensPerSecond: 1, burst: 5 };
    expect(allowedAt(limit, Array(20).fill(0))).to.have.length(5);
  });

  it('gives nothing for a step back of its clock', () => {
    const limit = { tokensPerSecond: 1, burst: 1 };
    expect(allowedAt(limit, [10_000, 0, 5_000, 5_500])).to.deep.equal([10_000, 5_000]);
  });
});
