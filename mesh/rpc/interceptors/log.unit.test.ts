import { expect } from 'chai';
import { MeshError } from '../../contract/error.js';
import { collectingLog } from '../../testing/collecting-log.js';
import { testContext, testUser } from '../../testing/test-context.js';
import { virtualClock } from '../../testing/virtual-clock.js';
import { oneCall, through } from '../one-call.test.js';
import { identityInterceptor } from './identity.js';
import { clientLogInterceptor, logInterceptor } from './log.js';

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

  describe('with a token', () => {
    const callWith = () =>
      oneCall({ context: testContext({ metadata: { authorization: 'Bearer secret-token' } }) });

    it('writes the id of the user that the token was found to be of, and never the token', async () => {
      const { log, interceptor } = logger();
      const identity = identityInterceptor({ verify: async () => testUser('usr_1') });
      await through((next) => interceptor(identity(next)), callWith());
      expect(log.lines[0]?.fields['user_id']).to.equal('usr_1');
      expect(JSON.stringify(log.lines)).to.not.include('secret-token');
    });

    it('that is not good writes no user', async () => {
      const { log, interceptor } = logger();
      const refusal = new MeshError({ code: 'UNAUTHENTICATED', reason: 'TOKEN_EXPIRED', message: 'log in' });
      const identity = identityInterceptor({ verify: () => Promise.reject(refusal) });
      await through((next) => interceptor(identity(next)), callWith());
      expect(log.lines[0]?.fields).to.include({ reason: 'TOKEN_EXPIRED' }).and.not.have.property('user_id');
    });
  });
});

describe("the log interceptor of a client's side", () => {
  it('writes one line at debug level for each call that leaves: callee, code, time and trace', async () => {
    const clock = virtualClock();
    const log = collectingLog();
    const context = testContext({ userToken: 'secret-1', metadata: { 'idempotency-key': 'secret-2' } });
    await through(clientLogInterceptor(log, clock.clock), oneCall({ context }), async () => {
      await clock.advance(12.5);
      return Buffer.from('secret-3');
    });
    expect(log.lines).to.deep.equal([
      {
        level: 'debug',
        message: 'outgoing call',
        fields: {
          callee: 'test.echo.v1.EchoService/Say',
          code: 'OK',
          ms: 12.5,
          trace_id: context.trace.traceId,
          span_id: context.trace.spanId,
        },
      },
    ]);
  });

  it('writes a failure with its reason at debug level as well: the caller decides what it means', async () => {
    const log = collectingLog();
    const failure = new MeshError({ code: 'UNAVAILABLE', reason: 'UNAVAILABLE', message: 'gone' });
    const { error } = await through(clientLogInterceptor(log, virtualClock().clock), oneCall(), () => {
      throw failure;
    });
    expect(error).to.equal(failure);
    expect(log.lines.map(({ level }) => level)).to.deep.equal(['debug']);
    expect(log.lines[0]?.fields).to.include({ code: 'UNAVAILABLE', reason: 'UNAVAILABLE' });
  });

  it('writes the line of a stream when it ends', async () => {
    const log = collectingLog();
    const { answer } = await through(clientLogInterceptor(log, virtualClock().clock), oneCall(), async () =>
      (async function* () {
        yield new Uint8Array();
      })(),
    );
    expect(log.lines).to.have.length(0);
    for await (const _ of answer as AsyncIterable<Uint8Array>);
    expect(log.lines).to.have.length(1);
  });
});
