import { expect } from 'chai';
import { MeshError } from '../../contract/error.js';
import { createRecordingTracer } from '../../telemetry/recording-tracer.js';
import type { FinishedSpan } from '../../telemetry/tracer.js';
import { testContext } from '../../testing/test-context.js';
import { virtualClock } from '../../testing/virtual-clock.js';
import { oneCall, through } from '../one-call.test.js';
import type { Body } from '../wire.js';
import { traceInterceptor } from './trace.js';

function recorder(side: 'client' | 'server') {
  const spans: FinishedSpan[] = [];
  const tracer = createRecordingTracer({
    ...virtualClock(),
    service: 'cart',
    sinks: [(span) => spans.push(span)],
  });
  return { spans, interceptor: traceInterceptor(side, tracer) };
}

describe('the trace interceptor', () => {
  for (const side of ['client', 'server'] as const) {
    it(`of a ${side} makes a span by the RPC conventions, below the caller's`, async () => {
      const { spans, interceptor } = recorder(side);
      const call = oneCall({ context: testContext({ caller: 'order' }) });
      const { passed } = await through(interceptor, call);
      const [span] = spans as [FinishedSpan];
      expect(span).to.include({
        name: 'test.echo.v1.EchoService/Say',
        kind: side,
        parentSpanId: call.context.trace.spanId,
        error: undefined,
      });
      expect(span.attributes).to.include({
        'rpc.system.name': 'grpc',
        'rpc.method': 'test.echo.v1.EchoService/Say',
        'rpc.response.status_code': 'OK',
        'meshmart.caller': 'order',
      });
      expect(passed[0]?.context.trace, 'what comes next is below the span').to.deep.equal(span.context);
      expect(span.context.traceId).to.equal(call.context.trace.traceId);
    });
  }

  it('tells code and reason of a failure, never its message', async () => {
    const { spans, interceptor } = recorder('server');
    await through(interceptor, oneCall(), () =>
      Promise.reject(
        new MeshError({ code: 'NOT_FOUND', reason: 'ORDER_NOT_FOUND', message: 'order of ada@example.com' }),
      ),
    );
    expect(spans[0]?.error).to.equal('NOT_FOUND');
    expect(spans[0]?.attributes).to.include({
      'rpc.response.status_code': 'NOT_FOUND',
      'error.type': 'ORDER_NOT_FOUND',
    });
    expect(JSON.stringify(spans)).to.not.include('ada');
  });

  it('ends the span of a stream with the stream', async () => {
    const { spans, interceptor } = recorder('server');
    async function* stream(): AsyncGenerator<Uint8Array> {
      yield new Uint8Array();
      throw new MeshError({ code: 'ABORTED', reason: 'CONFLICT', message: 'changed' });
    }
    const { answer } = await through(interceptor, oneCall(), async (): Promise<Body> => stream());
    expect(spans).to.have.length(0);
    await (async () => {
      for await (const _ of answer as AsyncIterable<Uint8Array>);
    })().catch(() => undefined);
    expect(spans.map((span) => span.error)).to.deep.equal(['ABORTED']);
  });
});
