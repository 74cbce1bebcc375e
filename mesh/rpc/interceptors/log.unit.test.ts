import { expect } from 'chai';
import { MeshError } from '../../contract/error.js';
import { collectingLog } from '../../testing/collecting-log.js';
import { testContext } from '../../testing/test-context.js';
import { virtualClock } from '../../testing/virtual-clock.js';
import { oneCall, through } from '../one-call.test.js';
import { logInterceptor } from './log.js';

function logger() {
  const clock = virtualClock();
  const log = collectingLog();
  return { clock, log, interceptor: logInterceptor(log, clock.clock) };
}

describe('the log interceptor', () => {
  it('writes one line a call: who, what, how it ended, how long, and the trace', async () => {
    const { clock, log, interceptor } = logger();
    const context = testContext({ caller: 'order' });
    await through(interceptor, oneCall({ context }), async () => {
      await clock.advance(12.5);
      return new Uint8Array();
    });
    expect(log.lines).to.have.length(1);
    expect(log.lines[0]).to.deep.include({ level: 'info' });
    expect(log.lines[0]?.fields).to.deep.include({
      method: 'test.echo.v1.EchoService/Say',
      caller: 'order',
      code: 'OK',
      ms: 12.5,
      trace_id: context.trace.traceId,
      span_id: context.trace.spanId,
    });
  });

  it('never writes a body, a token, a key or metadata', async () => {
    const { log, interceptor } = logger();
    const context = testContext({
      userToken: 'secret-1',
      metadata: { authorization: 'Bearer secret-2', 'idempotency-key': 'secret-3' },
    });
    await through(interceptor, oneCall({ context, body: Buffer.from('secret-4') }), async () =>
      Buffer.from('secret-5'),
    );
    expect(JSON.stringify(log.lines)).to.not.include('secret');
  });

  it('writes a refusal with its reason, as no mistake of the shop', async () => {
    const { log, interceptor } = logger();
    await through(interceptor, oneCall(), () =>
      Promise.reject(new MeshError({ code: 'NOT_FOUND', reason: 'ORDER_NOT_FOUND', message: 'none' })),
    );
    expect(log.lines[0]?.level).to.equal('info');
    expect(log.lines[0]?.fields).to.include({ code: 'NOT_FOUND', reason: 'ORDER_NOT_FOUND' });
  });

  it('writes a mistake of the shop as an error, with what lies behind it', async () => {
    const { log, interceptor } = logger();
    await through(interceptor, oneCall(), () => Promise.reject(new TypeError('x is undefined')));
    expect(log.lines[0]?.level).to.equal('error');
    expect(log.lines[0]?.fields['code']).to.equal('INTERNAL');
    expect(log.lines[0]?.fields['cause']).to.include('x is undefined');
  });

  it('writes the line of a stream when it ends', async () => {
    const { log, interceptor } = logger();
    const { answer } = await through(interceptor, oneCall(), async () =>
      (async function* () {
        yield new Uint8Array();
      })(),
    );
    expect(log.lines).to.have.length(0);
    for await (const _ of answer as AsyncIterable<Uint8Array>);
    expect(log.lines).to.have.length(1);
  });
});
