import { expect } from 'chai';
import fc from 'fast-check';
import { type Code, codes, MeshError } from '../contract/error.js';
import { decideRedelivery, untried } from './redelivery.js';

const policy = { maxAttempts: 4, retryBaseDelayMs: 100, retryMaxDelayMs: 1_000 };
const failure = (code: Code) => new MeshError({ code, reason: 'INTERNAL', message: 'made for a test' });
const transient = ['UNAVAILABLE', 'DEADLINE_EXCEEDED', 'RESOURCE_EXHAUSTED', 'ABORTED', 'CANCELLED'];

/** After so many failures that the message is to blame for. */
const faulty = (faults: number) => ({ attempts: faults, faults });

describe('redelivery', () => {
  it('doubles the delay up to the longest, half of it left to chance', () => {
    const delays = (random: number) =>
      [0, 1, 2, 3, 4, 59].map((attempts) => {
        const decision = decideRedelivery(failure('UNAVAILABLE'), { attempts, faults: 0 }, policy, random);
        return decision.kind === 'retry' ? decision.delayMs : undefined;
      });
    expect(delays(0)).to.deep.equal([50, 100, 200, 400, 500, 500]);
    expect(delays(0.5)).to.deep.equal([75, 150, 300, 600, 750, 750]);
  });

  it('gives up on any other failure after the last attempt, not before', () => {
    for (const thrown of [new Error('a bug'), 'text', undefined, failure('INTERNAL')]) {
      expect(decideRedelivery(thrown, faulty(2), policy, 0).kind).to.equal('retry');
      expect(decideRedelivery(thrown, faulty(3), policy, 0).kind).to.equal('dead_letter');
    }
  });

  for (const code of codes.filter((name): name is Code => name !== 'OK')) {
    const kind = transient.includes(code) ? 'retry' : 'dead_letter';
    it(`takes ${code} after the last attempt for a ${kind}`, () => {
      expect(decideRedelivery(failure(code), faulty(1_000), policy, 0).kind).to.equal(kind);
    });
  }

  it('counts an outage for nothing: what fails once after it is tried as often as if there had been none', () => {
    let tried = untried;
    const fail = (code: Code) => {
      const decision = decideRedelivery(failure(code), tried, policy, 0);
      tried = decision.tried;
      return decision.kind;
    };
    const after = ['INTERNAL', 'UNAVAILABLE', 'INTERNAL', 'INTERNAL', 'ABORTED', 'INTERNAL'] as const;
    for (let attempt = 0; attempt < 100; attempt += 1) expect(fail('UNAVAILABLE')).to.equal('retry');
    expect(after.map(fail)).to.deep.equal([...Array(5).fill('retry'), 'dead_letter']);
    expect(tried).to.deep.equal({ attempts: 106, faults: 4 });
  });

  it('never waits longer than the longest delay, nor less than half of the shortest', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 100_000 }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (attempts, random) => {
          const decision = decideRedelivery(failure('ABORTED'), { attempts, faults: 0 }, policy, random);
          if (decision.kind !== 'retry') return false;
          return (
            decision.delayMs >= policy.retryBaseDelayMs / 2 && decision.delayMs <= policy.retryMaxDelayMs
          );
        },
      ),
    );
  });
});
