import { expect } from 'chai';
import fc from 'fast-check';
import { type Code, codes, MeshError } from '../contract/error.js';
import { decideRedelivery } from './redelivery.js';

const policy = { maxAttempts: 4, retryBaseDelayMs: 100, retryMaxDelayMs: 1_000 };
const failure = (code: Code) => new MeshError({ code, reason: 'INTERNAL', message: 'made for a test' });
const transient = ['UNAVAILABLE', 'DEADLINE_EXCEEDED', 'RESOURCE_EXHAUSTED', 'ABORTED', 'CANCELLED'];

describe('redelivery', () => {
  it('doubles the delay up to the longest, half of it left to chance', () => {
    const delays = (random: number) =>
      [1, 2, 3, 4, 5, 60].map((attempt) => {
        const decision = decideRedelivery(failure('UNAVAILABLE'), attempt, policy, random);
        return decision.kind === 'retry' ? decision.delayMs : undefined;
      });
    expect(delays(0)).to.deep.equal([50, 100, 200, 400, 500, 500]);
    expect(delays(0.5)).to.deep.equal([75, 150, 300, 600, 750, 750]);
  });

  it('gives up on any other failure after the last attempt, not before', () => {
    for (const thrown of [new Error('a bug'), 'text', undefined, failure('INTERNAL')]) {
      expect(decideRedelivery(thrown, 3, policy, 0).kind).to.equal('retry');
      expect(decideRedelivery(thrown, 4, policy, 0).kind).to.equal('dead_letter');
    }
  });

  for (const code of codes.filter((name): name is Code => name !== 'OK')) {
    const kind = transient.includes(code) ? 'retry' : 'dead_letter';
    it(`takes ${code} after the last attempt for a ${kind}`, () => {
      expect(decideRedelivery(failure(code), 1_000, policy, 0).kind).to.equal(kind);
    });
  }

  it('never waits longer than the longest delay, nor less than half of the shortest', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 100_000 }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (attempt, random) => {
          const decision = decideRedelivery(failure('ABORTED'), attempt, policy, random);
          if (decision.kind !== 'retry') return false;
          return (
            decision.delayMs >= policy.retryBaseDelayMs / 2 && decision.delayMs <= policy.retryMaxDelayMs
          );
        },
      ),
    );
  });
});
