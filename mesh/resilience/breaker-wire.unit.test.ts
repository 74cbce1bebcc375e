import { expect } from 'chai';
import { deadlineSignal } from '../rpc/deadline.js';
import { echoPolicy } from '../rpc/echo-contract.test.js';
import type { Wire } from '../rpc/wire.js';
import { type VirtualClock, virtualClock } from '../testing/virtual-clock.js';
import { type AdaptiveBreaker, createAdaptiveBreaker } from './adaptive-breaker.js';
import { type BreakerWireOptions, breakerWire } from './breaker-wire.js';
import {
  answered,
  failing,
  failureOf,
  never,
  outcome,
  request,
  type ScriptedWire,
  scriptedWire,
} from './scripted-wire.test.js';

describe('a wire with a breaker', () => {
  let clock: VirtualClock;
  let breaker: AdaptiveBreaker;
  let inner: ScriptedWire;
  const open = (probe: BreakerWireOptions['probe'] = 'inline'): Wire =>
    breakerWire(inner, { callee: 'catalog', breaker, ambient: clock, probe, probeWithinMs: 150 });
  /** Lets it fail until it opens. */
  const breakIt = async (wire: Wire) => {
    const well = inner.answer;
    inner.answer = failing('UNAVAILABLE');
    for (let n = 0; n < 3; n += 1) {
      await clock.advance(200);
      await outcome(wire.call(request()));
    }
    inner.answer = well;
    inner.asked.length = 0;
    expect(breaker.state().word).to.equal('open');
  };

  beforeEach(() => {
    clock = virtualClock();
    breaker = createAdaptiveBreaker(clock);
    inner = scriptedWire();
  });

  it('passes calls and answers on', async () => {
    const sent = request();
    const response = await open().call(sent);
    expect(inner.asked).to.deep.equal([sent]);
    expect(response).to.deep.equal(answered());
    expect(breaker.state()).to.include({ requests: 1, accepts: 1 });
  });

  it('rejects with the name of the callee, and asks it nothing', async () => {
    const wire = open();
    await breakIt(wire);
    const error = await wire.call(request()).catch((thrown: unknown) => thrown);
    expect(error).to.include({ code: 'UNAVAILABLE', reason: 'CIRCUIT_OPEN' });
    expect((error as Error).message).to.match(/^catalog has been failing.*try again/);
    expect(inner.asked).to.have.length(0);
  });

  it('is not opened by a rejection that another breaker further on has made', async () => {
    inner.answer = failing('UNAVAILABLE', 'CIRCUIT_OPEN');
    const wire = open();
    for (let n = 0; n < 50; n += 1) {
      expect(await outcome(wire.call(request()))).to.equal('UNAVAILABLE CIRCUIT_OPEN');
      await clock.advance(100);
    }
    expect(inner.asked).to.have.length(50);
  });

  it('counts errors that are about the request as answers', async () => {
    inner.answer = failing('NOT_FOUND', 'PRODUCT_NOT_FOUND');
    await outcome(open().call(request()));
    expect(breaker.state()).to.include({ requests: 1, accepts: 1 });
  });

  it('counts a call that its caller gave up for nothing, but one that was too slow', async () => {
    inner.answer = never;
    const ending = new AbortController();
    const given = outcome(open().call(request({ signal: ending.signal })));
    ending.abort(failureOf('UNAVAILABLE', 'UNAVAILABLE'));
    expect(await given, 'a caller that is stopping').to.equal('UNAVAILABLE UNAVAILABLE');
    expect(breaker.state().requests).to.equal(0);

    const never_ = new AbortController().signal;
    const { signal } = deadlineSignal(clock, never_, clock.clock.nowMs() + 100, 'a call');
    const slow = outcome(open().call(request({ signal })));
    await clock.advance(100);
    expect(await slow).to.equal('DEADLINE_EXCEEDED DEADLINE_EXCEEDED');
    expect(breaker.state()).to.include({ requests: 1, accepts: 0 });
  });

  describe('for streams', () => {
    const watch = (signal?: AbortSignal) =>
      request({ method: echoPolicy('count'), ...(signal === undefined ? {} : { signal }) });
    async function* two(failure?: Error) {
      yield new Uint8Array([1]);
      yield new Uint8Array([2]);
      if (failure !== undefined) throw failure;
    }

    it('counts at the end', async () => {
      inner.answer = async () => answered(two());
      const { body } = await open().call(watch());
      expect(breaker.state().requests).to.equal(0);
      expect(await outcome(Promise.resolve(answered(body)))).to.equal('OK');
      expect(breaker.state()).to.include({ requests: 1, accepts: 1 });
    });

    it('counts one that breaks in the middle as a failure', async () => {
      inner.answer = async () => answered(two(failureOf('UNAVAILABLE')));
      expect(await outcome(open().call(watch()))).to.equal('UNAVAILABLE INTERNAL');
      expect(breaker.state()).to.include({ requests: 1, accepts: 0 });
    });

    it('takes a watch that lives until its deadline for well', async () => {
      inner.answer = async () => answered(two(failureOf('DEADLINE_EXCEEDED', 'DEADLINE_EXCEEDED')));
      await outcome(open().call(watch()));
      expect(breaker.state()).to.include({ requests: 1, accepts: 1 });
    });

    it('counts one that its reader leaves for nothing', async () => {
      inner.answer = async () => answered(two());
      const { body } = await open().call(watch());
      for await (const _ of body as AsyncIterable<Uint8Array>) break;
      expect(breaker.state().requests).to.equal(0);
    });
  });

  it('lets the caller of an inline probe wait for it', async () => {
    const wire = open('inline');
    await breakIt(wire);
    await clock.advance(500);
    expect(await outcome(wire.call(request()))).to.equal('OK');
  });

  describe('with probes in the background', () => {
    it('rejects the caller at once and sends its call on, until the callee is well again', async () => {
      const wire = open('background');
      await breakIt(wire);
      await clock.advance(500);
      for (let n = 1; n <= 3; n += 1) {
        expect(await outcome(wire.call(request()))).to.equal('UNAVAILABLE CIRCUIT_OPEN');
        await clock.settle();
        expect(inner.asked).to.have.length(n);
      }
      expect(breaker.state().word).to.equal('closed');
      expect(await outcome(wire.call(request()))).to.equal('OK');
    });

    it('gives a probe a life of its own: its caller may go, and it ends in time', async () => {
      const wire = open('background');
      await breakIt(wire);
      inner.answer = never;
      await clock.advance(500);
      const ending = new AbortController();
      await outcome(wire.call(request({ signal: ending.signal })));
      ending.abort();
      await clock.advance(149);
      expect(inner.inFlight()).to.equal(1);
      await clock.advance(2);
      expect(inner.inFlight()).to.equal(0);
      expect(clock.pendingTimers()).to.equal(0);
      expect(breaker.state().word).to.equal('open');
    });

    it('has one probe at a time, however slow it is', async () => {
      const wire = breakerWire(inner, {
        callee: 'catalog',
        breaker,
        ambient: clock,
        probe: 'background',
        probeWithinMs: 5_000,
      });
      await breakIt(wire);
      inner.answer = never;
      for (let n = 0; n < 40; n += 1) {
        await outcome(wire.call(request()));
        await clock.advance(100);
      }
      expect(inner.asked).to.have.length(1);
    });

    it('never repeats a command: that probe is inline', async () => {
      const wire = open('background');
      await breakIt(wire);
      await clock.advance(500);
      const command = request({ method: echoPolicy('say', { idempotency: 'idempotent' }) });
      expect(await outcome(wire.call(command))).to.equal('OK');
      expect(inner.asked).to.have.length(1);
    });

    it('ends the probe when it is closed', async () => {
      const wire = open('background');
      await breakIt(wire);
      inner.answer = never;
      await clock.advance(500);
      await outcome(wire.call(request()));
      wire.close();
      await clock.settle();
      expect(inner.inFlight()).to.equal(0);
      expect(inner.closed()).to.equal(true);
    });
  });
});
