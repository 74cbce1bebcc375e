import { expect } from 'chai';
import { MeshError } from '../contract/error.js';
import type { MethodPolicy } from '../contract/policy.js';
import { createMetrics } from '../telemetry/metrics.js';
import { createRecordingTracers } from '../telemetry/recording-tracer.js';
import type { FinishedSpan } from '../telemetry/tracer.js';
import { seededRandom } from '../testing/seeded-random.js';
import { virtualClock } from '../testing/virtual-clock.js';
import { observedWire } from './observed-wire.js';
import type { Wire, WireRequest } from './wire.js';

const method = { path: '/meshmart.cart.v1.CartService/GetCart', kind: 'unary' } as MethodPolicy;
const parent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

describe('an observed wire', () => {
  const setUp = (call: Wire['call']) => {
    const { clock } = virtualClock();
    const spans: FinishedSpan[] = [];
    const random = seededRandom(1);
    const tracer = createRecordingTracers({ clock, random, sinks: [(span) => spans.push(span)] })('gateway');
    const metrics = createMetrics({ version: '0', shape: 'test', clock, process: false });
    const wire = observedWire(
      { call, close: () => undefined },
      { tracer, metrics: metrics.rpc('gateway'), clock, caller: 'gateway' },
    );
    const send = () =>
      wire.call({
        method,
        body: new Uint8Array(),
        metadata: { traceparent: parent },
        deadlineMs: 1,
        signal: new AbortController().signal,
      });
    return { spans, metrics, send };
  };

  it('puts a client span between the caller and the called', async () => {
    let arrived: WireRequest | undefined;
    const { spans, send } = setUp(async (request) => {
      arrived = request;
      return { body: new Uint8Array([1]), trailers: { 'x-http-code': '202' } };
    });
    const response = await send();
    expect(response.trailers).to.deep.equal({ 'x-http-code': '202' });
    const [span] = spans;
    expect(span?.kind).to.equal('client');
    expect(span?.parentSpanId).to.equal('00f067aa0ba902b7');
    expect(span?.context.traceId).to.equal('4bf92f3577b34da6a3ce929d0e0e4736');
    expect(arrived?.metadata['traceparent']).to.contain(span?.context.spanId);
  });

  it('tells the code of a failure in span and metrics', async () => {
    const failure = new MeshError({ code: 'NOT_FOUND', reason: 'PRODUCT_NOT_FOUND', message: 'none' });
    const { spans, metrics, send } = setUp(() => Promise.reject(failure));
    expect(await send().catch((error: unknown) => error)).to.equal(failure);
    expect(spans[0]?.error).to.equal('NOT_FOUND');
    const { text } = await metrics.text();
    expect(text).to.match(/rpc_client_call_duration_seconds_count\{.*NOT_FOUND.*\} 1/);
    expect(text).to.match(/rpc_client_active_calls\{.*\} 0/);
  });

  it('ends the span of a stream with the stream', async () => {
    const { spans, send } = setUp(async () => ({
      body: (async function* () {
        yield new Uint8Array([1]);
      })(),
      trailers: {},
    }));
    const { body } = await send();
    expect(spans).to.have.length(0);
    for await (const _message of body as AsyncIterable<Uint8Array>);
    expect(spans).to.have.length(1);
  });
});
