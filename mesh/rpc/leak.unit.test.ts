import { getEventListeners } from 'node:events';
import { expect } from 'chai';
import { MeshError } from '../contract/error.js';
import { nullTracer } from '../telemetry/null-tracer.js';
import { collectingLog } from '../testing/collecting-log.js';
import { testContext } from '../testing/test-context.js';
import { virtualClock } from '../testing/virtual-clock.js';
import { createClient } from './client.js';
import { createDispatch } from './dispatch.js';
import { EchoDefinition, type EchoHandlers, echoPolicies, echoService } from './echo-contract.test.js';
import { inProcessWire } from './in-process.js';
import { logInterceptor } from './interceptors/log.js';
import { metricsInterceptor } from './interceptors/metrics.js';
import { traceInterceptor } from './interceptors/trace.js';

/** A client and its service over the in-process wire, on a clock that stands still, with a parent that lives on. */
function world(handlers: Partial<EchoHandlers> = {}) {
  const clock = virtualClock();
  const parent = new AbortController();
  const log = collectingLog();
  const flying = { client: 0, server: 0 };
  const codes: string[] = [];
  const metrics = {
    observe: (side: 'client' | 'server', _path: string, code: string) => void codes.push(`${side} ${code}`),
    inFlight: (side: 'client' | 'server', _method: unknown, change: 1 | -1) => {
      flying[side] += change;
    },
  };
  const around = (side: 'client' | 'server') => ({
    trace: traceInterceptor(side, nullTracer),
    metrics: metricsInterceptor(side, metrics, clock.clock),
  });
  const dispatch = createDispatch({
    contracts: [echoService(handlers)],
    policies: echoPolicies,
    ambient: clock,
    interceptors: { ...around('server'), log: logInterceptor(log, clock.clock) },
  });
  const client = createClient(EchoDefinition, {
    wire: inProcessWire(() => dispatch, 'order'),
    policies: echoPolicies,
    ambient: clock,
    caller: 'order',
    interceptors: around('client'),
  });
  const context = testContext({ clock: clock.clock, signal: parent.signal });
  const nothingLeft = () => {
    expect(clock.pendingTimers(), 'timers').to.equal(0);
    expect(getEventListeners(parent.signal, 'abort'), 'listeners').to.have.length(0);
    expect(flying, 'calls in flight').to.deep.equal({ client: 0, server: 0 });
  };
  return { clock, parent, client, context, log, codes, nothingLeft };
}

const codeOf = (call: Promise<unknown>) =>
  call.then(
    () => 'OK',
    (error: unknown) => MeshError.from(error).code,
  );
const never = () => new Promise<never>(() => undefined);

async function read(stream: AsyncIterable<unknown>, most = Number.POSITIVE_INFINITY): Promise<void> {
  let count = 0;
  for await (const _ of stream) {
    count += 1;
    if (count >= most) break;
  }
}

describe('a call leaves neither timer, listener nor count behind', () => {
  it('after many answers', async () => {
    const { client, context, nothingLeft } = world();
    for (let n = 0; n < 50; n += 1) await client.say({ number: n }, context);
    nothingLeft();
  });

  it('after a failure', async () => {
    const { client, context, nothingLeft } = world({ say: () => Promise.reject(new Error('no')) });
    expect(await codeOf(client.say({}, context))).to.equal('INTERNAL');
    nothingLeft();
  });

  it('after streams of each kind', async () => {
    const { client, context, nothingLeft } = world();
    async function* talk() {
      yield { text: 'a' };
      yield { text: 'b' };
    }
    await read(client.count({ number: 3 }, context));
    await client.gather(talk(), context);
    await read(client.chat(talk(), context));
    nothingLeft();
  });

  it('after a stream that was left early', async () => {
    const { client, context, clock, nothingLeft } = world();
    await read(client.count({ number: 9 }, context), 2);
    await clock.settle();
    nothingLeft();
  });

  it('after a stream that failed', async () => {
    const { client, context, nothingLeft, codes } = world({
      count: async function* () {
        yield { text: '', number: 1 };
        throw new MeshError({ code: 'ABORTED', reason: 'CONFLICT', message: 'changed' });
      },
    });
    expect(await codeOf(read(client.count({}, context)))).to.equal('ABORTED');
    nothingLeft();
    expect(codes).to.have.members(['server ABORTED', 'client ABORTED']);
  });

  it('after a stream that nobody read: it never went out', async () => {
    const { client, context, clock, nothingLeft } = world();
    client.count({ number: 9 }, context);
    await clock.settle();
    nothingLeft();
  });

  it('after its deadline, though the handler still hangs; and says how it ended', async () => {
    const { client, context, clock, nothingLeft, codes, log } = world({ say: never });
    const code = codeOf(client.say({}, context));
    await clock.advance(5_000);
    expect(await code).to.equal('DEADLINE_EXCEEDED');
    await clock.settle();
    nothingLeft();
    expect(codes).to.have.members(['server DEADLINE_EXCEEDED', 'client DEADLINE_EXCEEDED']);
    expect(log.lines.map((line) => line.fields['code'])).to.deep.equal(['DEADLINE_EXCEEDED']);
  });

  it('after the deadline of a stream that hangs; and says how it ended', async () => {
    const { client, context, clock, nothingLeft, codes } = world({
      count: async function* () {
        yield { text: '', number: 1 };
        await never();
      },
    });
    const code = codeOf(read(client.count({}, context)));
    await clock.advance(5_000);
    expect(await code).to.equal('DEADLINE_EXCEEDED');
    await clock.settle();
    nothingLeft();
    expect(codes).to.have.members(['server DEADLINE_EXCEEDED', 'client DEADLINE_EXCEEDED']);
  });

  it('after the caller gave up', async () => {
    const { client, context, clock, parent, nothingLeft } = world({ say: never });
    const code = codeOf(client.say({}, context));
    await clock.settle();
    parent.abort();
    expect(await code).to.equal('CANCELLED');
    await clock.settle();
    nothingLeft();
  });

  it('when it never went out', async () => {
    const { client, context, clock, nothingLeft } = world();
    expect(await codeOf(client.say({}, { ...context, deadlineMs: clock.clock.nowMs() }))).to.equal(
      'DEADLINE_EXCEEDED',
    );
    nothingLeft();
  });
});
