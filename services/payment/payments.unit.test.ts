import { expect } from 'chai';
import fc from 'fast-check';
import { MeshError } from '../../mesh/contract/error.js';
import { createIdSource } from '../../mesh/runtime/id.js';
import { openSqliteStore } from '../../mesh/store/sqlite-store.js';
import type { Store } from '../../mesh/store/store.js';
import { testContext } from '../../mesh/testing/test-context.js';
import { type VirtualClock, virtualClock } from '../../mesh/testing/virtual-clock.js';
import {
  type Fate,
  type ForgetfulProcessor,
  forgetfulProcessor,
  happensLate,
  lostAfter,
  lostBefore,
  processorTimeoutMs,
} from './forgetful-processor.test.js';
import type { PaymentChange } from './payment-state.js';
import { type KeptPayment, loadPayment } from './payment-store.js';
import { createPayments, type Payments } from './payments.js';
import { schema } from './schema.js';
import { createVault } from './vault.js';

const orderId = 'ord_1';
const request = {
  orderId,
  userId: 'usr_1',
  paymentToken: 'tok_1',
  amount: { currencyCode: 'EUR', units: 19n, nanos: 990_000_000 },
};
/** How long nobody else asks after a request was sent. */
const claimMs = processorTimeoutMs + 1_000;
const lateMs = 60_000;

/** Two instances of the service on one database, before a processor that knows no idempotency keys. */
describe('payments with a processor that does everything as often as it is asked', () => {
  let clock: VirtualClock;
  let store: Store;
  let processor: ForgetfulProcessor;
  let here: Payments;
  let there: Payments;

  const open = async (seed = 1) => {
    clock = virtualClock({ seed });
    store = openSqliteStore({ path: ':memory:', service: 'payment', schema, clock: clock.clock });
    processor = forgetfulProcessor(clock.timers);
    const vault = createVault(new Uint8Array(32), clock.random);
    const sealed = vault.seal('4242424242424242', 'tok_1');
    await store.commit({
      statements: [
        {
          sql: "INSERT INTO cards (token, user_id, sealed, brand, last4, expiry_month, expiry_year) VALUES ('tok_1', 'usr_1', ?, 'visa', '4242', 12, 2034)",
          values: [sealed],
        },
      ],
    });
    const instance = () =>
      createPayments(
        {
          store,
          clock: clock.clock,
          ids: createIdSource(clock.clock, clock.random),
          setting: () => String(processorTimeoutMs),
        },
        vault,
        processor.port,
      );
    here = instance();
    there = instance();
  };
  beforeEach(() => open());
  afterEach(() => store.close());

  const context = () => testContext({ clock: clock.clock });
  const authorize = (at: Payments = here) => at.authorize(request, context());
  const change = (what: PaymentChange, at: Payments = here) => at.change(orderId, what, context());
  const outcomeOf = (work: Promise<KeptPayment>): Promise<string> =>
    work.then(
      ({ state }) => state,
      (error: unknown) => MeshError.from(error).code,
    );
  /** The outcome of work that takes a while. */
  const outcomeAfter = async (ms: number, work: Promise<KeptPayment>): Promise<string> => {
    const outcome = outcomeOf(work);
    await clock.advance(ms);
    return outcome;
  };
  const kept = () => loadPayment(store, orderId);
  const requests = (kind: 'authorize' | 'capture') =>
    processor.asked.filter((asked) => asked === kind).length;

  describe('whose calls of one order overlap', () => {
    it('in one instance, asks to hold the amount once, and gives all of them its answer', async () => {
      processor.script.authorize = [{ happensAfterMs: 1_000 }];
      const calls = Array.from({ length: 5 }, () => outcomeOf(authorize()));
      await clock.advance(1_000);
      expect(await Promise.all(calls)).to.deep.equal(Array(5).fill('authorized'));
      expect(requests('authorize')).to.equal(1);
    });

    it('in two instances, asks once: the other is told to ask again, and then gets the same', async () => {
      processor.script.authorize = [{ happensAfterMs: 1_000 }];
      const first = outcomeOf(authorize(here));
      await clock.settle();
      expect(await outcomeOf(authorize(there))).to.equal('UNAVAILABLE');
      await clock.advance(1_000);
      expect(await first).to.equal('authorized');
      expect(await outcomeOf(authorize(there))).to.equal('authorized');
      expect(requests('authorize')).to.equal(1);
    });

    it('in two instances at the very same moment, asks once', async () => {
      const outcomes = await Promise.all([outcomeOf(authorize(here)), outcomeOf(authorize(there))]);
      expect(outcomes.sort()).to.deep.equal(['ABORTED', 'authorized']);
      expect(requests('authorize')).to.equal(1);
    });

    for (const [name, other] of [
      ['one instance', () => here],
      ['two instances', () => there],
    ] as const) {
      it(`in ${name}, takes the money once`, async () => {
        await authorize();
        processor.script.capture = [{ happensAfterMs: 500, answersAfterMs: 1_000 }];
        const first = outcomeOf(change('capture', here));
        await clock.settle();
        const second = outcomeOf(change('capture', other()));
        await clock.advance(1_000);
        expect(await first).to.equal('captured');
        expect(await second).to.be.oneOf(['captured', 'UNAVAILABLE', 'ABORTED']);
        expect(await outcomeOf(change('capture', other()))).to.equal('captured');
        expect([requests('capture'), processor.taken()]).to.deep.equal([1, 1]);
      });
    }

    it('and one of them is a void: nothing stays held', async () => {
      processor.script.authorize = [{ happensAfterMs: 500, answersAfterMs: 1_000 }];
      const held = outcomeOf(authorize(here));
      await clock.settle();
      expect(await outcomeOf(change('void', there)), 'nothing is found yet, but may come').to.equal(
        'UNAVAILABLE',
      );
      await clock.advance(600);
      expect(await outcomeOf(change('void', there))).to.equal('voided');
      await clock.advance(400);
      expect(await held).to.equal('ABORTED');
      expect(await outcomeOf(authorize(here))).to.equal('FAILED_PRECONDITION');
      expect(processor.held()).to.deep.equal([]);
    });
  });

  describe('whose request was not answered', () => {
    it('finds what was held by its reference, and does not ask again', async () => {
      processor.script.authorize = [lostAfter];
      expect(await outcomeAfter(processorTimeoutMs, authorize())).to.equal('UNAVAILABLE');
      expect(await outcomeOf(authorize(there))).to.equal('authorized');
      expect(requests('authorize')).to.equal(1);
    });

    it('asks again only after the first request can not be under way any more', async () => {
      processor.script.authorize = [lostBefore];
      expect(await outcomeAfter(processorTimeoutMs, authorize())).to.equal('UNAVAILABLE');
      for (const at of [here, there]) expect(await outcomeOf(authorize(at))).to.equal('UNAVAILABLE');
      expect(requests('authorize')).to.equal(1);
      await clock.advance(claimMs - processorTimeoutMs);
      expect(await outcomeOf(authorize())).to.equal('authorized');
      expect(requests('authorize')).to.equal(2);
    });

    it('does not take the money again when it was taken and nobody could say so', async () => {
      await authorize();
      processor.script.capture = [lostAfter];
      processor.script.get = [lostBefore];
      expect(await outcomeAfter(2 * processorTimeoutMs, change('capture'))).to.equal('UNAVAILABLE');
      await clock.advance(60_000);
      expect(await outcomeOf(change('capture', there))).to.equal('captured');
      expect([requests('capture'), processor.taken()]).to.deep.equal([1, 1]);
    });

    it('takes the money when the request was lost, once it is known not to be under way', async () => {
      await authorize();
      processor.script.capture = [lostBefore];
      expect(await outcomeAfter(processorTimeoutMs, change('capture'))).to.equal('UNAVAILABLE');
      expect(await outcomeOf(change('capture', there))).to.equal('UNAVAILABLE');
      await clock.advance(claimMs - processorTimeoutMs);
      expect(await outcomeOf(change('capture', there))).to.equal('captured');
      expect(processor.taken()).to.equal(1);
    });

    it('does not void what was captured meanwhile without an answer', async () => {
      await authorize();
      processor.script.capture = [lostAfter];
      processor.script.get = [lostBefore];
      await outcomeAfter(2 * processorTimeoutMs, change('capture'));
      await clock.advance(claimMs);
      expect(await outcomeOf(change('void'))).to.equal('FAILED_PRECONDITION');
      expect((await kept())?.state).to.equal('captured');
    });

    it('is cleared up by the worker without anybody asking', async () => {
      processor.script.authorize = [lostAfter];
      await outcomeAfter(processorTimeoutMs, authorize());
      await there.clear(orderId, context());
      expect((await kept())?.state).to.equal('authorized');
      processor.script.capture = [lostAfter];
      processor.script.get = [lostBefore];
      await outcomeAfter(2 * processorTimeoutMs, change('capture'));
      await there.clear(orderId, context());
      expect((await kept())?.state).to.equal('captured');
    });
  });

  describe('whose request took effect after it was given up', () => {
    it('lets go what appeared after the void', async () => {
      processor.script.authorize = [happensLate(20_000)];
      await outcomeAfter(processorTimeoutMs, authorize());
      await clock.advance(claimMs);
      expect(await outcomeOf(change('void'))).to.equal('voided');
      await clock.advance(20_000);
      expect(processor.held()).to.have.length(1);
      await clock.advance(lateMs);
      await there.clear(orderId, context());
      expect(processor.held()).to.deep.equal([]);
      expect((await kept())?.checkAtMs, 'no doubt is left').to.equal(0);
    });

    it('lets go what appeared beside what the second request holds, and keeps that', async () => {
      processor.script.authorize = [happensLate(20_000)];
      await outcomeAfter(processorTimeoutMs, authorize());
      await clock.advance(claimMs);
      const { authorizationId } = await authorize();
      await clock.advance(20_000);
      await clock.advance(lateMs);
      await change('capture');
      await there.clear(orderId, context());
      expect(processor.held()).to.deep.equal([]);
      expect(processor.stateOf(authorizationId)).to.equal('captured');
      expect(processor.taken()).to.equal(1);
    });

    it('has no doubt, and no work for the worker, when everything was answered', async () => {
      await authorize();
      await change('capture');
      expect(await kept()).to.include({ askedFor: '', askedUntilMs: 0, checkAtMs: 0 });
    });
  });

  it('takes money at most once and holds nothing in the end, whatever overlaps, is lost or comes late', async () => {
    const within = (ms: number) => fc.integer({ min: 0, max: ms });
    const fate = (latestMs: number) =>
      fc.oneof(
        { weight: 3, arbitrary: fc.constant<Fate>({}) },
        fc.constant(lostBefore),
        within(latestMs).map(happensLate),
        fc.record({ happensAfterMs: within(1_500), answersAfterMs: within(3_000) }),
      );
    const step = fc.record({
      what: fc.constantFrom('authorize', 'capture', 'capture', 'capture', 'void', 'refund', 'clear'),
      there: fc.boolean(),
      pauseMs: fc.constantFrom(0, 0, 100, 1_000, 5_000),
    });
    // A capture that comes later than anybody waits would be beyond help; a hold is not.
    const scripts = fc.record({
      authorize: fc.array(fate(40_000), { maxLength: 4 }),
      capture: fc.array(fate(claimMs - 100), { maxLength: 4 }),
      void: fc.array(fc.constantFrom<Fate>({}, lostBefore, lostAfter), { maxLength: 3 }),
      find: fc.array(fc.constantFrom<Fate>({}, {}, lostBefore), { maxLength: 6 }),
      get: fc.array(fc.constantFrom<Fate>({}, lostBefore), { maxLength: 6 }),
    });
    let seed = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), scripts, async (more, script) => {
        await store.close();
        seed += 1;
        await open(seed);
        Object.assign(
          processor.script,
          Object.fromEntries(Object.entries(script).map(([kind, fates]) => [kind, [...fates]])),
        );
        const steps = [{ what: 'authorize', there: false, pauseMs: 1_000 }, ...more];
        const calls: Promise<unknown>[] = [];
        for (const { what, there: elsewhere, pauseMs } of steps) {
          const at = elsewhere ? there : here;
          const call: Promise<unknown> =
            what === 'authorize'
              ? authorize(at)
              : what === 'clear'
                ? at.clear(orderId, context())
                : change(what as PaymentChange, at);
          calls.push(call.catch(() => undefined));
          await clock.advance(pauseMs);
        }
        // Afterwards the worker comes by now and then, as it does.
        for (let seconds = 0; seconds < 300; seconds += 5) {
          calls.push(there.clear(orderId, context()).catch(() => undefined));
          await clock.advance(5_000);
        }
        await Promise.all(calls);
        expect(processor.taken(), 'money was taken').to.be.at.most(1);
        const payment = await kept();
        const { state, authorizationId = '' } = payment ?? {};
        expect(processor.held()).to.deep.equal(state === 'authorized' ? [authorizationId] : []);
        if (state === 'captured' || state === 'refunded')
          expect([processor.stateOf(authorizationId), processor.taken()]).to.deep.equal([state, 1]);
        else expect(processor.taken()).to.equal(0);
        const [ledger] = await store.query({ sql: 'SELECT COALESCE(SUM(nanos), 0) AS sum FROM ledger' });
        expect(Number(ledger?.['sum'])).to.equal(0);
      }),
      { numRuns: 300 },
    );
  }).timeout(60_000);
});
