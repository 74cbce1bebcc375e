import { expect } from 'chai';
import fc from 'fast-check';
import { virtualClock } from '../testing/virtual-clock.js';
import { createRecordingTracer, createRecordingTracers } from './recording-tracer.js';
import { formatTraceparent, parseTraceparent } from './trace-context.js';
import type { FinishedSpan, Span } from './tracer.js';

describe('recording tracer', () => {
  const recorder = () => {
    const world = virtualClock({ startMs: 1_000 });
    const spans: FinishedSpan[] = [];
    const tracer = createRecordingTracer({ ...world, service: 'cart', sinks: [(span) => spans.push(span)] });
    return { world, spans, tracer };
  };

  it('gives a finished span to its sinks, with service, times, attributes, events and error', async () => {
    const { world, spans, tracer } = recorder();
    await world.advance(0.25);
    const span = tracer.start({ name: 'AddItem', kind: 'server', attributes: { 'rpc.system.name': 'grpc' } });
    await world.advance(1.5);
    span.addEvent('retry', { attempt: 2 });
    span.setAttribute('rpc.response.status_code', 'ABORTED');
    await world.advance(0.5);
    span.end('ABORTED');
    expect(spans).to.deep.equal([
      {
        service: 'cart',
        name: 'AddItem',
        kind: 'server',
        context: span.context,
        parentSpanId: undefined,
        links: [],
        startMs: 1_000.25,
        durationMs: 2,
        attributes: { 'rpc.system.name': 'grpc', 'rpc.response.status_code': 'ABORTED' },
        events: [{ name: 'retry', atMs: 1_001.75, attributes: { attempt: 2 } }],
        error: 'ABORTED',
      },
    ]);
  });

  it('begins a sampled trace with valid ids where there is no parent', () => {
    const { context } = recorder().tracer.start({ name: 'root', kind: 'internal' });
    expect(parseTraceparent(formatTraceparent(context))).to.deep.equal({ ...context, sampled: true });
  });

  it('goes on with the trace of its parent and passes on whether it is sampled', () => {
    const { tracer, spans } = recorder();
    const parent = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), sampled: false };
    const span = tracer.start({ name: 'child', kind: 'client', parent });
    span.end();
    expect(span.context).to.include({ traceId: parent.traceId, sampled: false });
    expect(span.context.spanId).to.not.equal(parent.spanId);
    expect(spans[0]?.parentSpanId).to.equal(parent.spanId);
  });

  it('never gives an id of zeros', () => {
    const random = { ...virtualClock().random, bytes: (length: number) => new Uint8Array(length) };
    const tracer = createRecordingTracer({ ...virtualClock(), random, service: 'cart', sinks: [] });
    const { context } = tracer.start({ name: 'root', kind: 'internal' });
    expect(parseTraceparent(formatTraceparent(context))).to.not.equal(undefined);
  });

  it('ends once, and takes nothing after its end', () => {
    const { tracer, spans } = recorder();
    const span = tracer.start({ name: 'work', kind: 'internal' });
    span.end();
    span.setAttribute('late', true);
    span.addEvent('late');
    span.end('INTERNAL');
    expect(spans).to.have.length(1);
    expect(spans[0]).to.deep.include({ attributes: {}, events: [], error: undefined });
  });

  it('stays within its limits whatever is put into it', () => {
    const { tracer, spans } = recorder();
    const links = Array.from({ length: 50 }, () => ({ traceId: 'a', spanId: 'b', sampled: true }));
    const span = tracer.start({ name: 'n'.repeat(5_000), kind: 'internal', links });
    for (let n = 0; n < 200; n += 1) {
      span.setAttribute(`a${n}`, 'v'.repeat(5_000));
      span.addEvent(`e${n}`, Object.fromEntries(Array.from({ length: 100 }, (_, m) => [`k${m}`, m])));
    }
    span.end('e'.repeat(5_000));
    const [finished] = spans as [FinishedSpan];
    expect(Object.keys(finished.attributes)).to.have.length(64);
    expect(finished.events).to.have.length(32);
    expect(Object.keys(finished.events[0]?.attributes ?? {})).to.have.length(64);
    expect(finished.links).to.have.length(32);
    expect(
      [finished.name, finished.error, finished.attributes['a0']].map((text) => String(text).length),
    ).to.deep.equal([1_024, 1_024, 1_024]);
  });

  it('never throws, and a sink that throws does not keep the span from the others', () => {
    const spans: FinishedSpan[] = [];
    const failing = () => {
      throw new Error('full');
    };
    const tracer = createRecordingTracer({
      ...virtualClock(),
      service: 'cart',
      sinks: [failing, (span) => spans.push(span)],
    });
    fc.assert(
      fc.property(fc.string(), fc.anything(), fc.anything(), (name, value, more) => {
        spans.length = 0;
        const span: Span = tracer.start({ name, kind: 'internal', attributes: { value: value as string } });
        span.setAttribute(name, more as string);
        span.addEvent(name, { value: more as string });
        span.end(name);
        expect(spans).to.have.length(1);
      }),
    );
  });

  it('lays the spans of several services on one measure of time', async () => {
    const world = virtualClock({ startMs: 1_000 });
    const spans: FinishedSpan[] = [];
    const tracerOf = createRecordingTracers({ ...world, sinks: [(span) => spans.push(span)] });
    await world.advance(0.4);
    const order = tracerOf('order').start({ name: 'a', kind: 'client' });
    await world.advance(0.2);
    tracerOf('cart').start({ name: 'b', kind: 'server', parent: order.context }).end();
    order.end();
    expect(spans.map((span) => [span.service, span.startMs])).to.deep.equal([
      ['cart', 1_000.6],
      ['order', 1_000.4],
    ]);
  });

  it('follows the wall clock when that is moved, without changing durations', async () => {
    const { world, spans, tracer } = recorder();
    const span = tracer.start({ name: 'long', kind: 'internal' });
    world.setWallTime(100_000);
    await world.advance(5);
    tracer.start({ name: 'after', kind: 'internal' }).end();
    span.end();
    expect(spans.map((one) => [one.startMs, one.durationMs])).to.deep.equal([
      [100_005, 0],
      [1_000, 5],
    ]);
  });
});
