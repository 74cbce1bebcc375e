import { expect } from 'chai';
import { formatTraceparent, parseTraceparent } from '../telemetry/trace-context.js';
import { nullTracer } from './null-tracer.js';

describe('null tracer', () => {
  it('passes on the place of the parent', () => {
    const parent = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), sampled: true };
    const span = nullTracer.start({ name: 'work', kind: 'internal', parent });
    span.setAttribute('a', 1);
    span.addEvent('b');
    span.end('INTERNAL');
    expect(span.context).to.equal(parent);
  });

  it('gives a valid context that is not sampled when there is no parent', () => {
    const { context } = nullTracer.start({ name: 'work', kind: 'internal' });
    expect(parseTraceparent(formatTraceparent(context))).to.deep.equal({ ...context, sampled: false });
  });
});
