import { expect } from 'chai';
import { type Contract, loadContract } from '../contract/image.js';
import { bytesToJson, jsonToBytes } from '../contract/json.js';
import { type MethodPolicy, readPolicies } from '../contract/policy.js';
import { deadlineSignal } from '../rpc/deadline.js';
import { readImage } from '../shape/package-files.js';
import { type CollectingLog, collectingLog } from '../testing/collecting-log.js';
import { type VirtualClock, virtualClock } from '../testing/virtual-clock.js';
import { type ProtectedWire, type ProtectOptions, protectWire } from './protect-wire.js';
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

const recommend = '/meshmart.recommendation.v1.RecommendationService/ListRecommendations';
const listMail = '/meshmart.notification.v1.NotificationService/ListNotifications';
const setPreferences = '/meshmart.notification.v1.NotificationService/UpdatePreferences';

describe('a protected wire', () => {
  let contract: Contract;
  let policyOf: (path: string) => MethodPolicy;
  let clock: VirtualClock;
  let inner: ScriptedWire;
  let log: CollectingLog;
  before(() => {
    contract = loadContract(readImage());
    const policies = readPolicies(contract);
    policyOf = (path) => policies.get(path) as MethodPolicy;
  });
  beforeEach(() => {
    clock = virtualClock();
    inner = scriptedWire();
    log = collectingLog();
  });
  const protect = (changes: Partial<ProtectOptions> = {}): ProtectedWire =>
    protectWire(inner, {
      callee: 'recommendation',
      criticality: 'optional',
      contract,
      ambient: clock,
      log,
      ...changes,
    });
  const ask = (path = recommend, changes = {}) => request({ method: policyOf(path), ...changes });

  describe('to an optional callee', () => {
    const degraded = { products: [], degraded: true };

    it('passes a good answer on, byte for byte and unmarked', async () => {
      const body = jsonToBytes(contract, policyOf(recommend).output, {
        products: [{ productId: 'prd_tea' }],
      });
      inner.answer = async () => answered(body);
      expect(await protect().call(ask())).to.deep.equal({ body, trailers: {} });
      expect(clock.pendingTimers()).to.equal(0);
    });

    for (const [what, answer] of [
      ['is gone', failing('UNAVAILABLE')],
      ['fails', failing('INTERNAL')],
      ['is overloaded', failing('RESOURCE_EXHAUSTED', 'OVERLOADED')],
      ['lacks the method', failing('UNIMPLEMENTED', 'UNIMPLEMENTED')],
      ['answers with no gRPC at all', failing('UNKNOWN')],
      ['answers with garbage', async () => answered(Buffer.from('<html>hello</html>'))],
      ['answers with half a message', async () => answered(new Uint8Array([0x0a, 0x20, 1]))],
    ] as const) {
      it(`answers in its place when it ${what}, and says so`, async () => {
        inner.answer = answer;
        const told: string[] = [];
        const { body, trailers } = await protect({ onFallback: (method) => told.push(method) }).call(ask());
        expect(trailers).to.deep.equal({ 'x-degraded': 'recommendation' });
        expect(bytesToJson(contract, policyOf(recommend).output, body as Uint8Array)).to.deep.equal(degraded);
        expect(told).to.deep.equal([recommend]);
      });
    }

    it('answers with no bytes where the message has no mark of its own', async () => {
      inner.answer = failing('UNAVAILABLE');
      const { body, trailers } = await protect({ callee: 'notification' }).call(ask(listMail));
      expect(body).to.deep.equal(new Uint8Array());
      expect(trailers).to.deep.equal({ 'x-degraded': 'notification' });
    });

    it('leaves errors that are about the request as they are', async () => {
      for (const [code, reason] of [
        ['NOT_FOUND', 'PRODUCT_NOT_FOUND'],
        ['INVALID_ARGUMENT', 'VALIDATION_FAILED'],
        ['PERMISSION_DENIED', 'SCOPE_MISSING'],
        ['UNAUTHENTICATED', 'TOKEN_EXPIRED'],
        ['RESOURCE_EXHAUSTED', 'RATE_LIMITED'],
      ] as const) {
        inner.answer = failing(code, reason);
        expect(await outcome(protect().call(ask()))).to.equal(`${code} ${reason}`);
      }
    });

    it('never makes up the answer to a command', async () => {
      inner.answer = failing('UNAVAILABLE', 'UNAVAILABLE');
      const sent = ask(setPreferences);
      expect(await outcome(protect().call(sent))).to.equal('UNAVAILABLE UNAVAILABLE');
      expect(inner.asked, 'with its own deadline').to.deep.equal([sent]);
    });

    it('makes nothing up for a caller that has gone', async () => {
      inner.answer = never;
      const ending = new AbortController();
      const call = outcome(protect().call(ask(recommend, { signal: ending.signal })));
      ending.abort(failureOf('UNAVAILABLE', 'UNAVAILABLE'));
      expect(await call).to.equal('UNAVAILABLE UNAVAILABLE');
    });

    describe('that is silent', () => {
      beforeEach(() => {
        inner.answer = never;
      });
      /** How long a call takes until there is an answer, in milliseconds. */
      const durationOf = async (wire: ProtectedWire, path: string, changes = {}) => {
        const beganMs = clock.clock.monotonicMs();
        let tookMs: number | undefined;
        const call = wire.call(ask(path, changes)).then(() => {
          tookMs = clock.clock.monotonicMs() - beganMs;
        });
        while (tookMs === undefined && (await clock.advanceToNextTimer()) !== undefined);
        await call;
        return tookMs;
      };

      it('waits 150 ms at most, also where the contract would have it wait longer', async () => {
        expect(await durationOf(protect({ callee: 'notification' }), listMail)).to.equal(150);
        expect(await durationOf(protect(), recommend)).to.equal(150);
      });

      it('answers before its own caller stops waiting', async () => {
        const deadlineMs = clock.clock.nowMs() + 100;
        expect(await durationOf(protect(), recommend, { deadlineMs })).to.equal(90);
      });

      it('ends what it has begun: no call, timer or listener is left', async () => {
        const wire = protect();
        await durationOf(wire, recommend);
        await clock.settle();
        expect(inner.inFlight()).to.equal(0);
        expect(clock.pendingTimers()).to.equal(0);
      });

      it('opens within a second, then answers without waiting, and closes within 5 s of its return', async () => {
        const words: string[] = [];
        let rejected = 0;
        const wire = protect({
          onBreaker: ({ word }) => words.push(word),
          onReject: () => {
            rejected += 1;
          },
        });
        for (let n = 0; n < 20; n += 1) {
          void wire.call(ask());
          await clock.advance(50);
        }
        expect(wire.breaker().word).to.equal('open');
        expect(log.lines.filter(({ level }) => level === 'warn').map(({ message }) => message)).to.deep.equal(
          ['recommendation fails: for now it is only asked now and then'],
        );

        rejected = 0;
        for (let n = 0; n < 100; n += 1) {
          const beganMs = clock.clock.monotonicMs();
          expect((await wire.call(ask())).trailers).to.deep.equal({ 'x-degraded': 'recommendation' });
          expect(clock.clock.monotonicMs(), 'time that passed').to.equal(beganMs);
          await clock.advance(50);
        }
        expect(rejected, 'told of each, those that a probe went out for too').to.equal(100);

        inner.answer = async () => answered(new Uint8Array());
        const backMs = clock.clock.monotonicMs();
        for (let n = 0; n < 30 && wire.breaker().word !== 'closed'; n += 1) {
          await wire.call(ask());
          await clock.advance(200);
        }
        expect(clock.clock.monotonicMs() - backMs).to.be.below(5_000);
        expect((await wire.call(ask())).trailers).to.deep.equal({});
        expect(log.lines.at(-1)?.message).to.equal('recommendation is well again');
        expect(words.filter((word) => word === 'open')).to.have.length(1);
        expect(words.at(-1)).to.equal('closed');
      });

      it('keeps no more calls under way than its bulkhead holds, and answers the others', async () => {
        const wire = protect({ bulkhead: { limit: 3, queue: 0 } });
        const calls = Array.from({ length: 10 }, () => wire.call(ask()));
        await clock.settle();
        expect(inner.inFlight()).to.equal(3);
        await clock.advance(150);
        for (const { trailers } of await Promise.all(calls)) expect(trailers).to.have.key('x-degraded');
        expect(wire.breaker().requests, 'what was not sent counts for nothing').to.equal(3);
      });
    });
  });

  describe('to a required callee', () => {
    const required = () => protect({ callee: 'catalog', criticality: 'required' });

    it('makes nothing up and keeps the deadlines of its callers', async () => {
      const sent = ask(listMail);
      inner.answer = failing('UNAVAILABLE', 'UNAVAILABLE');
      expect(await outcome(required().call(sent))).to.equal('UNAVAILABLE UNAVAILABLE');
      expect(inner.asked).to.deep.equal([sent]);
    });

    it('rejects while the breaker is open, but for probes that their callers wait for', async () => {
      const wire = required();
      inner.answer = failing('UNAVAILABLE', 'UNAVAILABLE');
      for (let n = 0; n < 4; n += 1) {
        await clock.advance(200);
        await outcome(wire.call(ask()));
      }
      expect(await outcome(wire.call(ask()))).to.equal('UNAVAILABLE CIRCUIT_OPEN');
      inner.answer = async () => answered();
      await clock.advance(500);
      expect(await outcome(wire.call(ask()))).to.equal('OK');
    });

    it('is not opened by calls whose callers came too late to get an answer', async () => {
      const wire = required();
      inner.answer = never;
      for (let n = 0; n < 20; n += 1) {
        const { signal } = deadlineSignal(
          clock,
          new AbortController().signal,
          clock.clock.nowMs() + 20,
          'a call',
        );
        const call = outcome(wire.call(ask(listMail, { signal })));
        await clock.advance(100);
        expect(await call).to.equal('DEADLINE_EXCEEDED DEADLINE_EXCEEDED');
      }
      expect(wire.breaker()).to.include({ word: 'closed', requests: 0 });
    });
  });

  it('closes the hop', () => {
    protect().close();
    expect(inner.closed()).to.equal(true);
  });
});
