import { getEventListeners } from 'node:events';
import { expect } from 'chai';
import { MeshError } from '../contract/error.js';
import type { CallContext } from '../rpc/context.js';
import { formatTraceparent } from '../telemetry/trace-context.js';
import { type VirtualClock, virtualClock } from '../testing/virtual-clock.js';
import { createBackground, newTrace } from './background.js';
import type { Background, BackgroundOptions } from './service.js';

describe('work that no caller waits for', () => {
  let time: VirtualClock;
  let stopping: AbortController;
  let background: Background;
  const reason = new MeshError({ code: 'UNAVAILABLE', reason: 'UNAVAILABLE', message: 'order is stopping' });

  beforeEach(() => {
    time = virtualClock();
    stopping = new AbortController();
    background = createBackground({ ambient: time, service: 'order', stopping: stopping.signal });
  });

  const contextOf = (options: BackgroundOptions) => background(options, async (context) => context);

  /** Work that goes on until it is ended: gives its context, and what ends it. */
  const begin = (deadlineMs: number) => {
    let end: () => void = () => undefined;
    let context: CallContext | undefined;
    const over = background({ deadlineMs }, (given) => {
      context = given;
      return new Promise<void>((resolve) => {
        end = resolve;
      });
    });
    return { signal: (context as unknown as CallContext).signal, end: () => end(), over };
  };

  it('is done by the service itself, without a user, a key or metadata', async () => {
    const context = await contextOf({ deadlineMs: 1_000 });
    expect(context).to.include({
      deadlineMs: time.clock.nowMs() + 1_000,
      caller: 'order',
      user: undefined,
      userToken: undefined,
      command: undefined,
      priority: 'normal',
    });
    expect(context.metadata).to.deep.equal({});
    expect((await contextOf({ deadlineMs: 1, priority: 'critical' })).priority).to.equal('critical');
  });

  it('comes to what the work comes to', async () => {
    expect(await background({ deadlineMs: 1 }, async () => 42)).to.equal(42);
    const failure = await background({ deadlineMs: 1 }, () => Promise.reject(reason)).catch(
      (error: unknown) => error,
    );
    expect(failure).to.equal(reason);
  });

  it('ends at its deadline', async () => {
    const { signal } = begin(1_000);
    await time.advance(999);
    expect(signal.aborted).to.equal(false);
    await time.advance(1);
    expect(signal.aborted).to.equal(true);
    expect(signal.reason).to.include({ code: 'DEADLINE_EXCEEDED', reason: 'DEADLINE_EXCEEDED' });
    expect(signal.reason.message).to.equal('background work of order took longer than 1000 ms');
  });

  it('ends when the process begins to stop, whatever of it is under way', () => {
    const works = Array.from({ length: 5 }, () => begin(1_000));
    stopping.abort(reason);
    for (const { signal } of works) expect(signal.reason).to.equal(reason);
  });

  it('finds its context ended once the process stops', () => {
    stopping.abort(reason);
    const { signal } = begin(1_000);
    expect(signal.aborted).to.equal(true);
    expect(signal.reason).to.equal(reason);
  });

  it('keeps the reason that came first', async () => {
    const { signal } = begin(10);
    await time.advance(10);
    stopping.abort(reason);
    expect(signal.reason.code).to.equal('DEADLINE_EXCEEDED');
  });

  it('leaves nothing behind: one listener however much is under way, no timer when it is done', async () => {
    const works = Array.from({ length: 500 }, () => begin(1_000));
    expect(getEventListeners(stopping.signal, 'abort')).to.have.length(1);
    expect(time.pendingTimers()).to.equal(500);
    for (const { end } of works) end();
    await Promise.all(works.map(({ over }) => over));
    expect(time.pendingTimers()).to.equal(0);
    await background({ deadlineMs: 1_000 }, () => Promise.reject(reason)).catch(() => undefined);
    expect(time.pendingTimers(), 'after a failure').to.equal(0);
  });

  it('continues the trace that it is given', async () => {
    const trace = newTrace(time.random);
    const context = await contextOf({ deadlineMs: 1, traceparent: formatTraceparent(trace) });
    expect(context.trace).to.deep.equal(trace);
  });

  it('begins a trace of its own without one, or with one that is broken', async () => {
    const contexts = await Promise.all(
      [undefined, '', '00-nonsense', `00-${'0'.repeat(32)}-${'0'.repeat(16)}-01`].map((traceparent) =>
        contextOf({ deadlineMs: 1, traceparent }),
      ),
    );
    const traces = contexts.map(({ trace }) => trace);
    for (const { traceId, spanId, sampled } of traces) {
      expect(traceId)
        .to.match(/^[0-9a-f]{32}$/)
        .and.not.equal('0'.repeat(32));
      expect(spanId).to.match(/^[0-9a-f]{16}$/);
      expect(sampled).to.equal(true);
    }
    expect(new Set(traces.map(({ traceId }) => traceId)).size).to.equal(traces.length);
  });
});
