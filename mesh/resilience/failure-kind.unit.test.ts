import { expect } from 'chai';
import { type Code, codes, MeshError, type Reason } from '../contract/error.js';
import { type CalleeVerdict, endedByCaller, fairWaitMs, verdictOf } from './failure-kind.js';

const failure = (code: Code, reason: Reason = 'INTERNAL') =>
  new MeshError({ code, reason, message: 'planted' });

describe('what an error says about the callee', () => {
  const expected: Partial<Record<Code, CalleeVerdict>> = {
    UNAVAILABLE: 'broken',
    INTERNAL: 'broken',
    UNKNOWN: 'broken',
    DATA_LOSS: 'broken',
    DEADLINE_EXCEEDED: 'broken',
    RESOURCE_EXHAUSTED: 'overloaded',
    CANCELLED: 'unknown',
  };
  for (const code of codes) {
    if (code === 'OK') continue;
    const verdict = expected[code] ?? 'well';
    it(`takes ${code} for ${verdict}`, () => expect(verdictOf(failure(code))).to.equal(verdict));
  }

  it('does not blame a callee that had no time', () => {
    expect(verdictOf(failure('DEADLINE_EXCEEDED'), fairWaitMs - 1)).to.equal('unknown');
    expect(verdictOf(failure('DEADLINE_EXCEEDED'), fairWaitMs)).to.equal('broken');
    expect(verdictOf(failure('UNAVAILABLE'), 0)).to.equal('broken');
  });

  it('knows nothing of a callee that a breaker did not let it ask', () => {
    expect(verdictOf(failure('UNAVAILABLE', 'CIRCUIT_OPEN'))).to.equal('unknown');
  });

  it('takes limits that are about the caller for an answer', () => {
    expect(verdictOf(failure('RESOURCE_EXHAUSTED', 'RATE_LIMITED'))).to.equal('well');
    expect(verdictOf(failure('RESOURCE_EXHAUSTED', 'BODY_TOO_LARGE'))).to.equal('well');
    expect(verdictOf(failure('RESOURCE_EXHAUSTED', 'OVERLOADED'))).to.equal('overloaded');
  });
});

describe('who ended a call', () => {
  it('is the caller when it gave up or is stopping, not when its time was over', () => {
    const aborted = (reason: unknown) => {
      const controller = new AbortController();
      controller.abort(reason);
      return controller.signal;
    };
    expect(endedByCaller(new AbortController().signal)).to.equal(false);
    expect(endedByCaller(aborted(failure('CANCELLED')))).to.equal(true);
    expect(endedByCaller(aborted(failure('UNAVAILABLE')))).to.equal(true);
    expect(endedByCaller(aborted(undefined))).to.equal(true);
    expect(endedByCaller(aborted(failure('DEADLINE_EXCEEDED')))).to.equal(false);
  });
});
