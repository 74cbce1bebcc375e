import { getEventListeners } from 'node:events';
import { expect } from 'chai';
import { MeshError } from '../contract/error.js';
import { formatTraceparent } from '../telemetry/trace-context.js';
import { type VirtualClock, virtualClock } from '../testing/virtual-clock.js';
import { createBackground, newTrace } from './background.js';

describe('work that no caller waits for', () => {
  let time: VirtualClock;
  let stopping: AbortController;
  let background: ReturnType<typeof createBackground>;
  const reason = new MeshError({ code: 'UNAVAILABLE', reason: 'UNAVAILABLE', message: 'order is stopping' });

  beforeEach(() => {
    time = virtualClock();
    stopping = new AbortController();
    background = createBackground({ ambient: time, service: 'order', stopping: stopping.signal });
  });

  it('is done by the service itself, without a user, a key or metadata', () => {
    const context = background({ deadlineMs: 1_000 });
    expect(context).to.include({
      deadlineMs: time.clock.nowMs() + 1_000,
      caller: 'order',
      user: undefined,
      userToken: undefined,
      command: undefined,
      priority: 'normal',
    });
    expect(context.metadata).to.deep.equal({});
    expect(background({ deadlineMs: 1, priority: 'critical' }).priority).to.equal('critical');
  });

  it('ends at its deadline', async () => {
    const { signal } = background({ deadlineMs: 1_000 });
    await time.advance(999);
    expect(signal.aborted).to.equal(false);
    await time.advance(1);
    expect(signal.aborted).to.equal(true);
    expect(signal.reason).to.include({ code: 'DEADLINE_EXCEEDED', reason: 'DEADLINE_EXCEEDED' });
    expect(signal.reason.message).to.equal('background work of order took longer than 1000 ms');
  });

  it('ends when the process begins to stop, whatever of it is under way', async () => {
    const contexts = Array.from({ length: 5 }, () => background({ deadlineMs: 1_000 }));
    stopping.abort(reason);
    for (const { signal } of contexts) expect(signal.reason).to.equal(reason);
    expect(time.pendingTimers()).to.equal(0);
  });

  it('does not begin once the process stops', () => {
    stopping.abort(reason);
    const { signal } = background({ deadlineMs: 1_000 });
    expect(signal.aborted).to.equal(true);
    expect(signal.reason).to.equal(reason);
    expect(time.pendingTimers()).to.equal(0);
  });

  it('keeps the reason that came first', async () => {
    const { signal } = background({ deadlineMs: 10 });
    await time.advance(10);
    stopping.abort(reason);
    expect(signal.reason.code).to.equal('DEADLINE_EXCEEDED');
  });

  it('leaves nothing behind: one listener however much was done, no timer after the deadlines', async () => {
    for (let round = 0; round < 500; round += 1) background({ deadlineMs: 100 });
    expect(getEventListeners(stopping.signal, 'abort')).to.have.length(1);
    await time.advance(100);
    expect(time.pendingTimers()).to.equal(0);
  });

  it('continues the trace that it is given', () => {
    const trace = newTrace(time.random);
    expect(background({ deadlineMs: 1, traceparent: formatTraceparent(trace) }).trace).to.deep.equal(trace);
  });

  it('begins a trace of its own without one, or with one that is broken', () => {
    const traces = [undefined, '', '00-nonsense', `00-${'0'.repeat(32)}-${'0'.repeat(16)}-01`].map(
      (traceparent) => background({ deadlineMs: 1, traceparent }).trace,
    );
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
