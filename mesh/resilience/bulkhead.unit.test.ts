import { getEventListeners } from 'node:events';
import { expect } from 'chai';
import fc from 'fast-check';
import { MeshError } from '../contract/error.js';
import { echoPolicy } from '../rpc/echo-contract.test.js';
import { type VirtualClock, virtualClock } from '../testing/virtual-clock.js';
import { createBulkhead } from './bulkhead.js';
import { bulkheadWire } from './bulkhead-wire.js';
import { answered, failing, failureOf, never, outcome, request, scriptedWire } from './scripted-wire.test.js';

const patient = new AbortController().signal;

describe('a bulkhead', () => {
  let clock: VirtualClock;
  beforeEach(() => {
    clock = virtualClock();
  });
  const codeOf = (entering: Promise<unknown>) =>
    entering.then(
      () => 'entered',
      (thrown: unknown) => MeshError.from(thrown).code,
    );

  it('lets as many in as it has places, and the next when one leaves, in order of arrival', async () => {
    const bulkhead = createBulkhead('catalog', clock.timers, { limit: 2, queue: 5 });
    const [first, second] = [await bulkhead.enter(patient), await bulkhead.enter(patient)];
    const order: string[] = [];
    const waiting = ['a', 'b', 'c'].map(async (name) => {
      const leave = await bulkhead.enter(patient);
      order.push(name);
      return leave;
    });
    await clock.settle();
    expect({ inFlight: bulkhead.inFlight(), waiting: bulkhead.waiting() }).to.deep.equal({
      inFlight: 2,
      waiting: 3,
    });
    first();
    await clock.settle();
    expect(order).to.deep.equal(['a']);
    first();
    await clock.settle();
    expect(order, 'leaving twice').to.deep.equal(['a']);
    second();
    (await waiting[0])?.();
    await clock.settle();
    expect(order).to.deep.equal(['a', 'b', 'c']);
    (await waiting[1])?.();
    (await waiting[2])?.();
    expect(bulkhead.inFlight()).to.equal(0);
    expect(clock.pendingTimers()).to.equal(0);
    expect(getEventListeners(patient, 'abort')).to.have.length(0);
  });

  it('refuses at once what does not fit into the queue, and names the callee', async () => {
    const bulkhead = createBulkhead('catalog', clock.timers, { limit: 1, queue: 1 });
    await bulkhead.enter(patient);
    void bulkhead.enter(patient).catch(() => undefined);
    const error = await bulkhead.enter(patient).catch((thrown: unknown) => thrown);
    expect(error).to.include({ code: 'RESOURCE_EXHAUSTED', reason: 'OVERLOADED' });
    expect((error as Error).message).to.match(/calls to catalog .*try again/);
  });

  it('lets nobody wait longer than it may', async () => {
    const bulkhead = createBulkhead('catalog', clock.timers, { limit: 1, queue: 1, maxWaitMs: 30 });
    await bulkhead.enter(patient);
    const waiting = codeOf(bulkhead.enter(patient));
    await clock.advance(30);
    expect(await waiting).to.equal('RESOURCE_EXHAUSTED');
    expect(bulkhead.waiting()).to.equal(0);
  });

  it('forgets who gave up or ran out of time, and says so with their reason', async () => {
    const bulkhead = createBulkhead('catalog', clock.timers, { limit: 1, queue: 5 });
    const leave = await bulkhead.enter(patient);
    const ending = new AbortController();
    const gone = codeOf(bulkhead.enter(ending.signal));
    const next = codeOf(bulkhead.enter(patient));
    ending.abort(failureOf('DEADLINE_EXCEEDED'));
    expect(await gone).to.equal('DEADLINE_EXCEEDED');
    leave();
    expect(await next).to.equal('entered');
    expect(await codeOf(bulkhead.enter(ending.signal))).to.equal('DEADLINE_EXCEEDED');
    expect(clock.pendingTimers()).to.equal(0);
  });

  it('never has more in flight than places, and loses none', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 0, max: 4 }),
        fc.array(fc.record({ holdMs: fc.nat(80), pauseMs: fc.nat(20), givesUpMs: fc.option(fc.nat(60)) }), {
          maxLength: 60,
        }),
        async (limit, queue, calls) => {
          const its = virtualClock();
          const bulkhead = createBulkhead('catalog', its.timers, { limit, queue, maxWaitMs: 40 });
          let inside = 0;
          for (const { holdMs, pauseMs, givesUpMs } of calls) {
            const ending = new AbortController();
            if (givesUpMs !== null) its.timers.after(givesUpMs, () => ending.abort(failureOf('CANCELLED')));
            bulkhead.enter(ending.signal).then(
              (leave) => {
                inside += 1;
                expect(inside).to.be.at.most(limit);
                its.timers.after(holdMs, () => {
                  inside -= 1;
                  leave();
                });
              },
              () => undefined,
            );
            await its.advance(pauseMs);
            expect(bulkhead.waiting()).to.be.at.most(queue);
          }
          await its.advance(500);
          expect({ inside, inFlight: bulkhead.inFlight(), waiting: bulkhead.waiting() }).to.deep.equal({
            inside: 0,
            inFlight: 0,
            waiting: 0,
          });
        },
      ),
      { numRuns: 30 },
    );
  });

  it('refuses settings that let nothing through', () => {
    expect(() => createBulkhead('catalog', clock.timers, { limit: 0 })).to.throw(RangeError, /at least 1/);
  });

  describe('around a wire', () => {
    it('gives the place back when the call ends, well or not', async () => {
      const bulkhead = createBulkhead('catalog', clock.timers, { limit: 1, queue: 0 });
      const inner = scriptedWire();
      const wire = bulkheadWire(inner, bulkhead);
      expect(await outcome(wire.call(request()))).to.equal('OK');
      inner.answer = failing('INTERNAL');
      expect(await outcome(wire.call(request()))).to.equal('INTERNAL INTERNAL');
      inner.answer = never;
      void outcome(wire.call(request()));
      expect(await outcome(wire.call(request()))).to.equal('RESOURCE_EXHAUSTED OVERLOADED');
      wire.close();
      expect(inner.closed()).to.equal(true);
    });

    it('lets streams pass by', async () => {
      const bulkhead = createBulkhead('catalog', clock.timers, { limit: 1, queue: 0 });
      const wire = bulkheadWire(
        scriptedWire(async () => answered(never_())),
        bulkhead,
      );
      for (let n = 0; n < 3; n += 1) await wire.call(request({ method: echoPolicy('count') }));
      expect(bulkhead.inFlight()).to.equal(0);
    });
  });
});

async function* never_(): AsyncGenerator<Uint8Array> {
  yield await never();
}
