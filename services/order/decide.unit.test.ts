import { expect } from 'chai';
import { codes, MeshError } from '../../mesh/contract/error.js';
import { timestampOf } from '../../mesh/contract/timestamp.js';
import type { RecordedEvent } from '../../mesh/store/store.js';
import { Reason } from '../../proto/gen/meshmart/error/v1/error.js';
import { OrderState } from '../../proto/gen/meshmart/order/v1/order.js';
import { StoredOrderEvent } from '../../proto/gen/meshmart/order/v1/order_store.js';
import { decide, decideCancel, type Outcome, refusalOf } from './decide.js';
import { evolve, replay, storedType } from './evolve.js';
import { nextStep, type Step, stepKey } from './next-step.js';
import type { OrderEvent, OrderSaga } from './state.js';

const atMs = Date.UTC(2026, 0, 2);
const eur = (units: bigint) => ({ currencyCode: 'EUR', units, nanos: 0 });
const failure = { reason: Reason.REASON_OUT_OF_STOCK, message: 'too few pieces' };

const placed: OrderEvent = {
  $case: 'placed',
  value: {
    orderId: 'ord_1',
    userId: 'usr_1',
    lines: [
      {
        productId: 'prd_a',
        productName: 'A',
        quantity: 2,
        unitPrice: eur(5n),
        lineTotal: eur(10n),
        weightGrams: 100,
      },
    ],
    subtotal: eur(10n),
    shippingCost: eur(4n),
    total: eur(14n),
    shippingAddress: undefined,
    shippingOptionId: 'standard',
    paymentToken: 'tok_1',
    commandScope: 'user:usr_1 /PlaceOrder',
    commandKey: 'key-1',
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  },
};

/** Every way in which the participants of a step can answer. */
const outcomes: Readonly<Record<Step, readonly Outcome[]>> = {
  reserve: [
    { step: 'reserve', reservationId: 'res_1' },
    { step: 'reserve', refusal: failure },
  ],
  authorize: [
    { step: 'authorize', paymentId: 'pay_1' },
    { step: 'authorize', refusal: failure },
  ],
  settle: [
    { step: 'settle', stockCommitted: true, captured: true },
    { step: 'settle', stockCommitted: true, captured: false, undone: new Error('no answer') },
    { step: 'settle', stockCommitted: false, captured: true, undone: new Error('no answer') },
  ],
  ship: [{ step: 'ship', shipmentId: 'shp_1', trackingNumber: 'T1' }],
  void: [{ step: 'void' }],
  release: [{ step: 'release' }],
};

const grown = (before: OrderSaga | undefined, events: readonly OrderEvent[]) =>
  events.reduce((saga, event) => evolve(saga, event, atMs) as OrderSaga, before as OrderSaga);

/** A point of an order's life: how it was reached, and what the participants did on the way there. */
interface Path {
  readonly events: readonly OrderEvent[];
  readonly saga: OrderSaga;
  readonly steps: readonly Outcome[];
}

/** Every path that an order can take from Placed to its end, with a cancellation at every point where one is possible. */
function everyPath(): Path[] {
  const all: Path[] = [];
  const walk = (path: Path) => {
    all.push(path);
    expect(path.events.length, 'a path that does not end').to.be.below(20);
    const goOn = (events: readonly OrderEvent[], steps: readonly Outcome[]) =>
      walk({ events: [...path.events, ...events], saga: grown(path.saga, events), steps });
    const due = nextStep(path.saga);
    for (const outcome of due === undefined ? [] : outcomes[due]) {
      const events = decide(path.saga, outcome);
      if (events.length > 0) goOn(events, [...path.steps, outcome]);
    }
    try {
      const events = decideCancel(path.saga, 'changed my mind');
      if (events.length > 0) goOn(events, path.steps);
    } catch (error) {
      expect(MeshError.from(error).reason).to.equal('ORDER_NOT_CANCELLABLE');
    }
  };
  walk({ events: [placed], saga: grown(undefined, [placed]), steps: [] });
  return all;
}

const paths = everyPath();
const ended = paths.filter(({ saga }) => saga.final);
const happened = (path: Path, $case: OrderEvent['$case']) =>
  path.events.some((event) => event.$case === $case);

describe('the saga of an order, on every path that it can take', () => {
  it('ends, and only as shipped, rejected or cancelled', () => {
    expect(ended.length).to.be.above(8);
    for (const path of paths) expect(nextStep(path.saga) === undefined).to.equal(path.saga.final);
    const states = new Set(ended.map(({ saga }) => saga.order.state));
    expect([...states].sort()).to.deep.equal([
      OrderState.ORDER_STATE_SHIPPED,
      OrderState.ORDER_STATE_REJECTED,
      OrderState.ORDER_STATE_CANCELLED,
    ]);
  });

  it('is in the same state live and replayed from what is stored', () => {
    for (const { events, saga } of paths) {
      const recorded = events.map(
        (event, index): RecordedEvent => ({
          version: index + 1,
          type: storedType,
          data: StoredOrderEvent.encode({ occurredAt: timestampOf(atMs), event }).finish(),
          recordedAtMs: atMs,
        }),
      );
      expect(replay(recorded)).to.deep.equal(saga);
    }
  });

  it('has a version and a history entry for each event', () => {
    for (const { events, saga } of paths) {
      expect(saga.order.version).to.equal(BigInt(events.length));
      expect(saga.order.history.map((entry) => entry.version)).to.deep.equal(
        events.map((_event, index) => BigInt(index + 1)),
      );
    }
  });

  it('takes money only once it is confirmed, and from then on never turns back', () => {
    for (const { events } of paths) {
      const names = events.map((event) => event.$case);
      const pivot = names.indexOf('confirmed');
      if (names.includes('paymentCaptured')) {
        expect(pivot).to.be.within(0, names.indexOf('paymentCaptured') - 1);
      }
      if (pivot < 0) continue;
      for (const backwards of [
        'paymentVoided',
        'stockReleased',
        'rejected',
        'cancelled',
        'cancelRequested',
      ]) {
        expect(names.slice(pivot)).to.not.include(backwards);
      }
    }
  });

  it('never ends with money that is held and neither captured nor voided', () => {
    for (const path of ended) {
      const authorized = path.steps.some((step) => step.step === 'authorize' && 'paymentId' in step);
      if (authorized)
        expect(happened(path, 'paymentCaptured') || happened(path, 'paymentVoided')).to.equal(true);
      // A cancellation may meet an authorization whose answer was never seen: that is voided as well.
      const mayHaveAsked = happened(path, 'stockReserved') && happened(path, 'cancelRequested');
      if (mayHaveAsked) expect(happened(path, 'paymentVoided')).to.equal(true);
    }
  });

  it('never ends with pieces that are set aside, or may be, and are neither sold nor given back', () => {
    // Whether a Reserve took effect is never certain when it was refused: a try before it may have, unseen.
    for (const path of ended)
      expect(happened(path, 'stockCommitted') || happened(path, 'stockReleased')).to.equal(true);
  });

  it('ships only what is sold and paid for', () => {
    for (const path of ended.filter(({ saga }) => saga.order.state === OrderState.ORDER_STATE_SHIPPED)) {
      expect(happened(path, 'stockCommitted') && happened(path, 'paymentCaptured')).to.equal(true);
      expect(path.saga.order).to.include({ paymentId: 'pay_1', shipmentId: 'shp_1' });
    }
  });

  it('says why it was rejected, and only then', () => {
    for (const { saga } of ended) {
      const rejected = saga.order.state === OrderState.ORDER_STATE_REJECTED;
      expect(saga.order.failure).to.deep.equal(rejected ? failure : undefined);
    }
  });
});

describe('a wish to cancel', () => {
  const at = (...events: OrderEvent[]) => grown(undefined, [placed, ...events]);
  const reserved: OrderEvent = { $case: 'stockReserved', value: { reservationId: 'res_1' } };
  const asked: OrderEvent = { $case: 'cancelRequested', value: { reason: '' } };

  it('is noted before the pivot, and repeating it changes nothing', () => {
    expect(decideCancel(at(), 'no')).to.deep.equal([{ $case: 'cancelRequested', value: { reason: 'no' } }]);
    expect(decideCancel(at(asked), 'no')).to.deep.equal([]);
    expect(
      decideCancel(at(asked, { $case: 'stockReleased', value: {} }, { $case: 'cancelled', value: {} }), ''),
    ).to.deep.equal([]);
  });

  it('undoes what may have happened unseen: first the money, then the pieces', () => {
    expect(nextStep(at(asked))).to.equal('release');
    expect(nextStep(at(reserved, asked))).to.equal('void');
    expect(nextStep(at(reserved, asked, { $case: 'paymentVoided', value: {} }))).to.equal('release');
  });

  it('comes too late after the pivot, and has no point for an order that was refused', () => {
    const confirmed = at(reserved, ...decide(at(reserved), { step: 'authorize', paymentId: 'pay_1' }));
    const refused = at(...decide(at(), { step: 'reserve', refusal: failure }));
    for (const saga of [confirmed, refused]) {
      expect(() => decideCancel(saga, ''))
        .to.throw()
        .include({ code: 'FAILED_PRECONDITION', reason: 'ORDER_NOT_CANCELLABLE' });
    }
  });
});

describe("a participant's error", () => {
  it('is a refusal only when it is definite; unknown is not refused', () => {
    const definite = codes.filter(
      (code) =>
        code !== 'OK' &&
        refusalOf(new MeshError({ code, reason: 'OUT_OF_STOCK', message: 'm' })) !== undefined,
    );
    expect(definite).to.deep.equal(['INVALID_ARGUMENT', 'NOT_FOUND', 'FAILED_PRECONDITION']);
    expect(refusalOf(new TypeError('a mistake'))).to.equal(undefined);
  });

  it('keeps its reason and its sentence', () => {
    const error = new MeshError({ code: 'FAILED_PRECONDITION', reason: 'OUT_OF_STOCK', message: 'two left' });
    expect(refusalOf(error)).to.deep.equal({ reason: Reason.REASON_OUT_OF_STOCK, message: 'two left' });
  });
});

describe('a stream', () => {
  it('is nothing when it is empty, and begins with Placed', () => {
    expect(replay([])).to.equal(undefined);
    expect(() => evolve(undefined, { $case: 'confirmed', value: {} }, atMs)).to.throw(
      /begins with confirmed/,
    );
  });
});

describe('the key of a step', () => {
  it('has the order and the request in it, so that no two requests share one', () => {
    expect(stepKey('ord_1', 'reserve')).to.equal('ord_1:reserve');
  });
});
