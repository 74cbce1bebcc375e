import { expect } from 'chai';
import { failuresOf } from './failures.js';
import { failureLines } from './outage-report.js';

describe('the report of outages', () => {
  const failed = (kinds: number) =>
    failuresOf(
      Array.from({ length: kinds }, (_, kind) =>
        // As often as its number says.
        Array.from({ length: kind + 1 }, () => ({
          what: `GET /${kind + 1}`,
          startedMs: 0,
          endedMs: 0,
          problem: '503',
          degraded: undefined,
        })),
      ).flat(),
    );

  it('says that nothing failed', () => {
    expect(failureLines([])).to.deep.equal(['- nothing failed']);
  });

  it('tells twenty kinds one by one, most frequent first', () => {
    const lines = failureLines(failed(20));
    expect(lines).to.have.length(20);
    expect(lines[0]).to.equal('- 20 x GET /20: 503');
    expect(lines[19]).to.equal('- 1 x GET /1: 503');
  });

  it('says of more kinds how many they are, and how many failed so', () => {
    const lines = failureLines(failed(23));
    expect(lines).to.have.length(21);
    expect(lines[19]).to.equal('- 4 x GET /4: 503');
    expect(lines[20]).to.equal('- 6 more, of 3 other kind(s)');
  });
});
