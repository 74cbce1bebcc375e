import { expect } from 'chai';
import fc from 'fast-check';
import { type MadeSpan, madeSpan, traceIdOf } from '../testing/made-span.js';
import { createSpanMemory, orderIdAttribute } from './span-memory.js';
import type { FinishedSpan } from './tracer.js';

const names = (spans: readonly FinishedSpan[]) => spans.map((span) => span.name);
const ofOrder = (id: string) => ({ attributes: { [orderIdAttribute]: id } });

describe('span memory', () => {
  it('finds the spans of a trace, by their start', () => {
    const memory = createSpanMemory();
    memory.sink(madeSpan({ id: 2, startMs: 5 }));
    memory.sink(madeSpan({ id: 1, startMs: 1 }));
    memory.sink(madeSpan({ id: 3, trace: 2, startMs: 2 }));
    expect(names(memory.byTrace(traceIdOf(1)))).to.deep.equal(['span 1', 'span 2']);
    expect(memory.byTrace(traceIdOf(9))).to.deep.equal([]);
  });

  it('finds all that an order set in motion: its traces whole, and those that follow from them', () => {
    const memory = createSpanMemory();
    memory.sink(madeSpan({ id: 1, trace: 1, startMs: 1 }));
    memory.sink(madeSpan({ id: 2, trace: 1, startMs: 2, parent: 1, ...ofOrder('ord_1') }));
    memory.sink(madeSpan({ id: 3, trace: 2, startMs: 3, linked: [[1, 2]] }));
    memory.sink(madeSpan({ id: 4, trace: 3, startMs: 4, linked: [[2, 3]] }));
    memory.sink(madeSpan({ id: 5, trace: 4, startMs: 5, ...ofOrder('ord_2') }));
    expect(names(memory.byOrder('ord_1'))).to.deep.equal(['span 1', 'span 2', 'span 3', 'span 4']);
    expect(names(memory.byOrder('ord_2'))).to.deep.equal(['span 5']);
    expect(memory.byOrder('ord_3')).to.deep.equal([]);
  });

  it('survives traces that link to each other', () => {
    const memory = createSpanMemory();
    memory.sink(madeSpan({ id: 1, trace: 1, linked: [[2, 2]], ...ofOrder('ord_1') }));
    memory.sink(madeSpan({ id: 2, trace: 2, linked: [[1, 1]] }));
    expect(names(memory.byOrder('ord_1'))).to.deep.equal(['span 1', 'span 2']);
  });

  it('gives the spans that ended last, the newest first', () => {
    const memory = createSpanMemory(3);
    for (const id of [1, 2, 3, 4]) memory.sink(madeSpan({ id }));
    expect(names(memory.recent(2))).to.deep.equal(['span 4', 'span 3']);
    expect(names(memory.recent(100))).to.deep.equal(['span 4', 'span 3', 'span 2']);
    expect(memory.recent(-1)).to.deep.equal([]);
    expect(createSpanMemory().recent(5)).to.deep.equal([]);
  });

  it('forgets the spans that ended first, and then also their traces, orders and links', () => {
    const memory = createSpanMemory(2);
    memory.sink(madeSpan({ id: 1, trace: 1, ...ofOrder('ord_1') }));
    memory.sink(madeSpan({ id: 2, trace: 2, linked: [[1, 1]] }));
    memory.sink(madeSpan({ id: 3, trace: 3, ...ofOrder('ord_3') }));
    expect(memory.byOrder('ord_1')).to.deep.equal([]);
    expect(memory.byTrace(traceIdOf(1))).to.deep.equal([]);
    expect(names(memory.byTrace(traceIdOf(2)))).to.deep.equal(['span 2']);
    expect(memory.size()).to.equal(2);
  });

  it('answers at any time as if it looked through the newest spans one by one', () => {
    const arbitrarySpan = fc.record({
      id: fc.integer({ min: 1, max: 1_000 }),
      trace: fc.integer({ min: 1, max: 5 }),
      order: fc.option(fc.integer({ min: 1, max: 3 })),
      linked: fc.array(fc.tuple(fc.integer({ min: 1, max: 5 }), fc.constant(1)), { maxLength: 2 }),
    });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 8 }),
        fc.array(arbitrarySpan, { maxLength: 40 }),
        (capacity, made) => {
          const memory = createSpanMemory(capacity);
          const all = made.map(({ order, ...span }, n) => {
            const attributes: MadeSpan['attributes'] & object =
              order === null ? {} : ofOrder(`ord_${order}`).attributes;
            return madeSpan({ ...span, startMs: n, attributes });
          });
          for (const span of all) memory.sink(span);
          const kept = all.slice(-capacity);
          expect(memory.recent(capacity)).to.deep.equal([...kept].reverse());
          for (let trace = 1; trace <= 5; trace += 1) {
            expect(memory.byTrace(traceIdOf(trace))).to.deep.equal(
              kept.filter((span) => span.context.traceId === traceIdOf(trace)),
            );
          }
          for (const order of ['ord_1', 'ord_2', 'ord_3']) {
            expect(memory.byOrder(order)).to.deep.equal(searched(kept, order));
          }
        },
      ),
    );
  });

  it('refuses a capacity that is no whole number above 0', () => {
    expect(() => createSpanMemory(0)).to.throw(RangeError, 'capacity is 0');
  });
});

/** What byOrder means, written the slow way. */
function searched(spans: readonly FinishedSpan[], order: string): FinishedSpan[] {
  let traces = new Set(
    spans.filter((span) => span.attributes[orderIdAttribute] === order).map((span) => span.context.traceId),
  );
  for (let before = -1; before !== traces.size; ) {
    before = traces.size;
    const reached = spans.filter((span) => span.links.some((link) => traces.has(link.traceId)));
    traces = new Set([...traces, ...reached.map((span) => span.context.traceId)]);
  }
  return spans.filter((span) => traces.has(span.context.traceId));
}
