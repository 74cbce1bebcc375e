import { expect } from 'chai';
import { collectingLog } from './collecting-log.js';

describe('collecting log', () => {
  it('keeps lines in order, with their level, fields and message', () => {
    const log = collectingLog();
    log.debug({ a: 1 }, 'first');
    log.error({ b: 2 }, 'second');
    expect(log.lines).to.deep.equal([
      { level: 'debug', fields: { a: 1 }, message: 'first' },
      { level: 'error', fields: { b: 2 }, message: 'second' },
    ]);
  });

  it("keeps its children's lines with their fields, the line's own winning", () => {
    const log = collectingLog();
    log.child({ service: 'cart', n: 1 }).child({ order: 'ord_1' }).warn({ n: 2 }, 'late');
    expect(log.lines).to.deep.equal([
      { level: 'warn', fields: { service: 'cart', order: 'ord_1', n: 2 }, message: 'late' },
    ]);
  });
});
