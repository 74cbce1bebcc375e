import { expect } from 'chai';
import fc from 'fast-check';
import { madeSpan, spanIdOf } from '../testing/made-span.js';
import { type TraceNode, traceTree } from './trace-tree.js';
import type { FinishedSpan } from './tracer.js';

/** The shape of a tree in short: `a(b c)`; links with ~, gaps with ?, spans on the critical path with *. */
function shape(nodes: readonly TraceNode[]): string {
  return nodes
    .map((node) => {
      const below = node.children.length === 0 ? '' : `(${shape(node.children)})`;
      if (node.kind === 'gap') return `?${below}`;
      return `${node.by === 'link' ? '~' : ''}${node.span.name}${node.critical ? '*' : ''}${below}`;
    })
    .join(' ');
}

function spansIn(nodes: readonly TraceNode[]): FinishedSpan[] {
  return nodes.flatMap((node) => [...(node.kind === 'span' ? [node.span] : []), ...spansIn(node.children)]);
}

const span = (name: string, made: Omit<Parameters<typeof madeSpan>[0], 'name'>) =>
  madeSpan({ name, ...made });

describe('trace tree', () => {
  it('puts children under their parents by their start, with offsets from the first span', () => {
    const tree = traceTree([
      span('c', { id: 3, parent: 1, startMs: 107, durationMs: 2 }),
      span('b', { id: 2, parent: 1, startMs: 101, durationMs: 5 }),
      span('a', { id: 1, startMs: 100, durationMs: 10 }),
      span('d', { id: 4, parent: 2, startMs: 102, durationMs: 1 }),
    ]);
    expect(shape(tree.roots)).to.equal('a*(b*(d*) c*)');
    expect([tree.startMs, tree.durationMs]).to.deep.equal([100, 10]);
    expect(tree.roots[0]?.children.map((node) => node.offsetMs)).to.deep.equal([1, 7]);
  });

  it('marks what was waited for: the last to end, and what had ended last before that began', () => {
    const tree = traceTree([
      span('order', { id: 1, startMs: 0, durationMs: 100 }),
      span('cart', { id: 2, parent: 1, startMs: 1, durationMs: 10 }),
      span('stock', { id: 3, parent: 1, startMs: 20, durationMs: 60 }),
      span('beside', { id: 4, parent: 1, startMs: 21, durationMs: 30 }),
      span('bus', { id: 5, parent: 1, startMs: 90, durationMs: 50 }),
    ]);
    expect(shape(tree.roots)).to.equal('order*(cart* stock* beside bus)');
  });

  it('counts the server of a call as waited for, though its clock is ahead', () => {
    const tree = traceTree([
      span('client', { id: 1, kind: 'client', startMs: 0, durationMs: 10 }),
      span('server', { id: 2, kind: 'server', parent: 1, startMs: 4, durationMs: 9 }),
    ]);
    expect(shape(tree.roots)).to.equal('client*(server*)');
  });

  it('puts a missing span that several name as their parent as a gap', () => {
    const tree = traceTree([
      span('a', { id: 1, startMs: 0 }),
      span('b', { id: 2, parent: 9, startMs: 1 }),
      span('c', { id: 3, parent: 9, startMs: 2 }),
    ]);
    expect(shape(tree.roots)).to.equal('a* ?(b* c*)');
    expect(tree.roots[1]).to.include({ kind: 'gap', spanId: spanIdOf(9), offsetMs: 1 });
  });

  it('does not call the span of a caller outside a gap', () => {
    expect(
      shape(traceTree([span('a', { id: 1, parent: 9 }), span('b', { id: 2, parent: 1 })]).roots),
    ).to.equal('a*(b*)');
  });

  it('hangs a consumer under the producer that it links to, beside what the producer waited for', () => {
    const tree = traceTree([
      span('publish', { id: 1, trace: 1, startMs: 0, durationMs: 5 }),
      span('confirm', { id: 2, trace: 1, parent: 1, startMs: 1, durationMs: 1 }),
      span('mail', { id: 3, trace: 2, linked: [[1, 1]], startMs: 9, durationMs: 3 }),
      span('smtp', { id: 4, trace: 2, parent: 3, startMs: 10, durationMs: 1 }),
    ]);
    expect(shape(tree.roots)).to.equal('publish*(confirm* ~mail*(smtp*))');
  });

  it('opens circles of parents at the earliest span, and circles of links anywhere', () => {
    const parents = traceTree([
      span('a', { id: 1, parent: 2, startMs: 0 }),
      span('b', { id: 2, parent: 1, startMs: 1 }),
      span('c', { id: 3, parent: 3, startMs: 2 }),
    ]);
    expect(shape(parents.roots).replaceAll('*', '')).to.equal('a(b) c');
    const links = traceTree([
      span('a', { id: 1, trace: 1, linked: [[2, 2]], startMs: 0 }),
      span('b', { id: 2, trace: 2, linked: [[1, 1]], startMs: 1 }),
    ]);
    expect(spansIn(links.roots)).to.have.length(2);
  });

  it('has nothing to show for no spans', () => {
    expect(traceTree([])).to.deep.equal({ roots: [], startMs: 0, durationMs: 0 });
  });

  it('holds every span once, siblings by their start, whatever names what', () => {
    const id = fc.integer({ min: 1, max: 8 });
    const trace = fc.integer({ min: 1, max: 2 });
    const arbitrarySpan = fc
      .record({
        id,
        trace,
        startMs: fc.nat(20),
        durationMs: fc.nat(20),
        parent: fc.option(id),
        linked: fc.array(fc.tuple(trace, id), { maxLength: 2 }),
      })
      .map(({ parent, ...made }) => madeSpan(parent === null ? made : { ...made, parent }));
    const key = ({ context }: FinishedSpan) => `${context.traceId}/${context.spanId}`;
    fc.assert(
      fc.property(fc.array(arbitrarySpan, { maxLength: 12 }), (spans) => {
        const { roots } = traceTree(spans);
        expect(spansIn(roots).map(key).sort()).to.deep.equal([...new Set(spans.map(key))].sort());
        expectOrdered(roots);
      }),
    );
  });
});

function expectOrdered(nodes: readonly TraceNode[]): void {
  const offsets = nodes.map((node) => node.offsetMs);
  expect(offsets).to.deep.equal([...offsets].sort((one, other) => one - other));
  for (const node of nodes) expectOrdered(node.children);
}
