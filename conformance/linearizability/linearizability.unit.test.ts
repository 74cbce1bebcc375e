import { expect } from 'chai';
import fc from 'fast-check';
import { checkLinearizable, type Operation, type SequentialModel } from './linearizability.js';
import { type StockCall, type StockResult, stockModel } from './stock-model.js';

type Step = Operation<StockCall, StockResult>;

const reserve = (orderId: string, quantity = 1): StockCall => ({ kind: 'reserve', orderId, quantity });
const commit = (orderId: string): StockCall => ({ kind: 'commit', orderId });
const release = (orderId: string): StockCall => ({ kind: 'release', orderId });
const done: StockResult = { kind: 'done' };
const refused = (reason: string): StockResult => ({ kind: 'refused', reason });
const figures = (available: number, reserved: number, committed: number): [StockCall, StockResult] => [
  { kind: 'get' },
  { kind: 'figures', available, reserved, committed },
];

/** From `startedMs` to `endedMs`; without an answer it never ends. */
const seen = (startedMs: number, endedMs: number, call: StockCall, result?: StockResult): Step => ({
  call,
  result,
  startedMs,
  endedMs: result === undefined ? Number.POSITIVE_INFINITY : endedMs,
});
const holds = (pieces: number, history: Step[]) =>
  checkLinearizable(stockModel(pieces), history).linearizable;

describe('the judgement whether the history of a stock is linearizable', () => {
  it('accepts operations one after the other, each with the answer that the rules give', () => {
    const history = [
      seen(0, 1, reserve('a', 2), done),
      seen(2, 3, ...figures(1, 2, 0)),
      seen(4, 5, reserve('b', 2), refused('OUT_OF_STOCK')),
      seen(6, 7, release('a'), done),
      seen(8, 9, reserve('a', 2), refused('RESERVATION_VOIDED')),
      seen(10, 11, reserve('b', 2), done),
      seen(12, 13, commit('b'), done),
      seen(14, 15, release('b'), refused('CONFLICT')),
      seen(16, 17, commit('c'), refused('RESERVATION_NOT_FOUND')),
      seen(18, 19, ...figures(1, 0, 2)),
    ];
    expect(checkLinearizable(stockModel(3), history)).to.deep.equal({ linearizable: true, order: history });
  });

  it('accepts any order of operations that overlap', () => {
    expect(
      holds(1, [seen(0, 10, reserve('a'), refused('OUT_OF_STOCK')), seen(0, 10, reserve('b'), done)]),
    ).to.equal(true);
  });

  it('accepts that one without an answer happened, and that it did not', () => {
    expect(holds(1, [seen(0, 0, reserve('a')), seen(5, 6, ...figures(0, 1, 0))])).to.equal(true);
    expect(holds(1, [seen(0, 0, reserve('a')), seen(5, 6, ...figures(1, 0, 0))])).to.equal(true);
  });

  const violations: Record<string, [number, Step[]]> = {
    'the last piece given to two': [1, [seen(0, 9, reserve('a'), done), seen(0, 9, reserve('b'), done)]],
    'a piece that came back without a release': [
      1,
      [seen(0, 1, reserve('a'), done), seen(2, 3, ...figures(1, 0, 0))],
    ],
    'a stale read': [
      2,
      [seen(0, 1, reserve('a'), done), seen(2, 3, reserve('b'), done), seen(4, 5, ...figures(1, 1, 0))],
    ],
    'a reservation after its tombstone': [
      1,
      [seen(0, 1, release('a'), done), seen(2, 3, reserve('a'), done)],
    ],
    'a sale that was lost': [
      1,
      [seen(0, 1, reserve('a'), done), seen(2, 3, commit('a'), done), seen(4, 5, release('a'), done)],
    ],
    'a refusal while there was enough': [1, [seen(0, 1, reserve('a'), refused('OUT_OF_STOCK'))]],
    'an effect before its cause': [1, [seen(0, 1, ...figures(0, 1, 0)), seen(2, 3, reserve('a'), done)]],
    'one without an answer that happened twice': [
      2,
      [seen(0, 0, reserve('a')), seen(5, 6, ...figures(0, 2, 0))],
    ],
    'one without an answer that happened and then did not': [
      1,
      [seen(0, 0, reserve('a')), seen(5, 6, ...figures(0, 1, 0)), seen(7, 8, ...figures(1, 0, 0))],
    ],
  };
  for (const [name, [pieces, history]] of Object.entries(violations))
    it(`refuses ${name}`, () => {
      const verdict = checkLinearizable(stockModel(pieces), history);
      expect(verdict.linearizable).to.equal(false);
      if (!verdict.linearizable) expect(verdict.stuck).to.not.have.length(0);
    });

  it('agrees with trying every order there is', () => {
    const model = registerModel;
    const operation = fc
      .record({
        write: fc.option(fc.integer({ min: 1, max: 2 }), { nil: undefined }),
        read: fc.integer({ min: 0, max: 2 }),
        startedMs: fc.integer({ min: 0, max: 8 }),
        lastsMs: fc.integer({ min: 1, max: 6 }),
        heard: fc.boolean(),
      })
      .map(({ write, read, startedMs, lastsMs, heard }): Operation<number | undefined, number> => {
        const known = heard || write === undefined;
        return {
          call: write,
          result: known ? (write ?? read) : undefined,
          startedMs,
          endedMs: known ? startedMs + lastsMs : Number.POSITIVE_INFINITY,
        };
      });
    let good = 0;
    let bad = 0;
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 6 }), (history) => {
        const expected = someOrderExplains(history);
        if (expected) good += 1;
        else bad += 1;
        expect(checkLinearizable(model, history).linearizable).to.equal(expected);
      }),
      { numRuns: 2_000 },
    );
    expect(Math.min(good, bad)).to.be.greaterThan(200);
  });

  it('is quick with a hundred operations of ten callers', () => {
    const history: Step[] = [];
    for (let round = 0; round < 10; round += 1)
      for (let caller = 0; caller < 10; caller += 1)
        history.push(seen(round * 10, round * 10 + 9, reserve(`${round}-${caller}`), done));
    expect(holds(100, history)).to.equal(true);
  });
});

/** A register: a call is the value to write, or undefined to read. Both answer the value. */
const registerModel: SequentialModel<number, number | undefined, number> = {
  initial: 0,
  step: (state, call) => ({ state: call ?? state, result: call ?? state }),
  sameResult: (expected, result) => expected === result,
  keyOf: String,
};

/** The definition, word for word: every subset of what was not heard of, every order of it and the rest. */
function someOrderExplains(history: readonly Operation<number | undefined, number>[]): boolean {
  const tryFrom = (state: number, left: readonly Operation<number | undefined, number>[]): boolean => {
    if (left.every(({ result }) => result === undefined)) return true;
    return left.some((one) => {
      const others = left.filter((other) => other !== one);
      if (others.some(({ endedMs }) => endedMs < one.startedMs)) return false;
      const after = registerModel.step(state, one.call);
      if (one.result !== undefined && one.result !== after.result) return false;
      return tryFrom(after.state, others);
    });
  };
  return tryFrom(0, history);
}
