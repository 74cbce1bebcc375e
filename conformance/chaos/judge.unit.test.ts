import { expect } from 'chai';
import type { Evidence } from '../invariants/evidence.js';
import type { Purchase } from '../workload/history.js';
import type { FaultRecord, History } from './history-file.js';
import { judge } from './judge.js';
import { latencyOf } from './verdict.js';
import { verdictText } from './verdict-text.js';

const run = {
  seed: 1,
  orders: 1,
  faults: 1,
  duplicates: 0,
  store: 'sqlite',
  bus: 'redis',
  ratePerSecond: 1,
  withinMs: 60_000,
  saleProduct: 'rare',
  salePieces: 10,
  startedAt: '',
};
const fault = (changes: Partial<FaultRecord> = {}): FaultRecord => ({
  fault: 'kill -9',
  target: 'payment-1.1',
  startedMs: 1_000,
  healedMs: 1_000,
  touches: ['payment'],
  probed: 'payment',
  tookEffect: true,
  backAtMs: 1_500,
  ...changes,
});
const purchase: Purchase & { arrivedMs: number; sale: boolean } = {
  arrivedMs: 900,
  sale: false,
  user: 'user',
  key: 'key-1',
  wanted: [{ productId: 'lamp', quantity: 1 }],
  attempts: [{ startedMs: 950, endedMs: 1_100, outcome: 'ok', reason: '', bytes: 'a' }],
  orderId: 'ord_1',
  refused: undefined,
  cancelled: false,
  sightings: [{ atMs: 1_200, state: 'REJECTED', version: 2 }],
  last: undefined,
};
const history = (changes: Partial<History> = {}): History => ({
  run,
  calls: [{ user: 'user', call: 'placeOrder', startedMs: 950, endedMs: 1_100, outcome: 'ok', reason: '' }],
  faults: [fault()],
  purchases: [purchase],
  end: {
    loadBeganMs: 0,
    healedMs: 2_000,
    finalMs: 3_000,
    duplicates: 0,
    generatorLagMs: 1,
    processorsBusy: 0.5,
    tookMs: 9_000,
  },
  ...changes,
});
const order = {
  id: 'ord_1',
  user: 'user',
  state: 'REJECTED',
  version: 2,
  lines: purchase.wanted,
  total: 'EUR 1.000000000',
};
const told = { messageId: '1', subject: `Your order ord_1 could not be taken`, text: '' };
const evidence = (changes: Partial<Evidence> = {}): Evidence => ({
  purchases: [purchase],
  orders: [order],
  carts: new Map(),
  ledger: [],
  mails: [{ ...told, text: 'ord_00000000000000000000000001' }],
  stockBefore: new Map(),
  stock: [],
  ...changes,
});
/** The mail checker reads whole ids. */
const id = 'ord_00000000000000000000000001';
const own = { ...purchase, orderId: id };
const good = evidence({
  purchases: [own],
  orders: [{ ...order, id }],
  mails: [{ messageId: '1', subject: `Your order ${id} could not be taken`, text: '' }],
});
const goalNamed = (verdict: ReturnType<typeof judge>, words: RegExp) =>
  verdict.goals.find(({ goal }) => words.test(goal));

describe('the judge of a run', () => {
  it('finds a run valid without violations, whose goals are reached', () => {
    const verdict = judge(history({ purchases: [own] }), good);
    expect(verdict.violations).to.deep.equal([]);
    expect(verdict.goals.filter(({ reached }) => !reached)).to.deep.equal([]);
    expect(verdict.valid).to.equal(true);
    expect(verdict.acknowledged.maxMs).to.equal(200);
  });

  it('tells the rule of three for what was looked at, and nothing for what was violated', () => {
    const looked = judge(history({ purchases: [own] }), good).invariants;
    expect(looked.find(({ invariant }) => invariant === 'I2')).to.include({
      checked: 1,
      violations: 0,
      atMost: 3,
    });
    expect(looked.find(({ invariant }) => invariant === 'I8')).to.include({ checked: 0, atMost: undefined });
    const stuck = evidence({ purchases: [own], orders: [{ ...order, id, state: 'PLACED' }] });
    const i1 = judge(history({ purchases: [own] }), stuck).invariants.find(
      ({ invariant }) => invariant === 'I1',
    );
    expect(i1).to.include({ violations: 1, atMost: undefined });
  });

  it('puts a violation to the faults during which its purchase was under way, and to no others', () => {
    const stuck = evidence({ purchases: [own], orders: [{ ...order, id, state: 'PLACED' }] });
    const later = fault({ fault: 'slow edge', startedMs: 5_000, healedMs: 6_000, backAtMs: 6_100 });
    const verdict = judge(history({ purchases: [own], faults: [fault(), later] }), stuck);
    expect(verdict.valid).to.equal(false);
    const of = (kind: string) => verdict.faults.find((one) => one.fault === kind);
    expect(of('kill -9')).to.deep.include({ struck: 1, purchases: 1, calls: { ok: 1, fail: 0, info: 0 } });
    expect(of('kill -9')?.violations['I1']).to.equal(1);
    expect(of('slow edge')).to.deep.include({ purchases: 0, violations: {} });
  });

  it('takes the time until traffic is back from faults that no other overtook', () => {
    const slow = fault({ backAtMs: 4_000 });
    expect(goalNamed(judge(history({ faults: [slow] }), good), /traffic back/)).to.deep.include({
      reached: false,
    });
    // Another fault on the same way came in between: nobody can tell how long either was felt.
    const between = fault({ fault: 'cut both ways', startedMs: 2_000, healedMs: 3_900, backAtMs: 4_000 });
    const third = fault({ startedMs: 8_000, healedMs: 8_000, backAtMs: 8_100 });
    const verdict = judge(history({ faults: [slow, between, third] }), good);
    expect(goalNamed(verdict, /traffic back/)?.measured).to.match(/^100 ms of 1 /);
    // One on another way did not.
    const aside = fault({
      touches: ['catalog'],
      probed: 'catalog',
      startedMs: 2_000,
      healedMs: 2_000,
      backAtMs: 2_100,
    });
    expect(goalNamed(judge(history({ faults: [slow, aside] }), good), /traffic back/)?.reached).to.equal(
      false,
    );
  });

  for (const [what, changes, words] of [
    ['traffic that never came back', { faults: [fault({ backAtMs: undefined })] }, /traffic back/],
    ['orders that were final too late', { end: { ...history().end, finalMs: 12_001 } }, /every order final/],
    ['orders that were never final', { end: { ...history().end, finalMs: undefined } }, /every order final/],
    ['a run that took too long', { end: { ...history().end, tookMs: 60_001 } }, /over within/],
    ['fewer faults than were asked for', { faults: [] }, /1 faults/],
    ['fewer duplicates than were asked for', { run: { ...run, duplicates: 1 } }, /delivered again/],
    ['purchases that never came about', { run: { ...run, orders: 2 } }, /2 purchases/],
    ['calls that failed, most of them', { calls: [{ ...history().calls[0], outcome: 'info' }] }, /calls ok/],
  ] as [string, Partial<History>, RegExp][]) {
    it(`finds ${what}`, () => {
      const verdict = judge(history({ purchases: [own], ...changes }), good);
      expect(goalNamed(verdict, words)?.reached).to.equal(false);
      expect(verdict.valid).to.equal(false);
    });
  }

  it('tells of time on a machine that had none left, and does not judge it', () => {
    const end = { ...history().end, finalMs: 12_001, processorsBusy: 0.97 };
    const verdict = judge(history({ purchases: [own], end }), good);
    expect(goalNamed(verdict, /every order final/)).to.include({ reached: false, judged: false });
    expect(verdict.valid).to.equal(true);
    const page = verdictText(verdict, 'a machine');
    expect(page).to.include('97 % busy').and.include('not judged').and.not.include('every goal was reached.');
    // What is no matter of time counts all the same.
    const few = judge(history({ purchases: [own], end, faults: [] }), good);
    expect(few.valid).to.equal(false);
  });

  it('counts the winners of the flash sale', () => {
    const sale = { productId: 'lamp', pieces: 1, keys: new Set([own.key]) };
    const won = { ...good, sale, orders: [{ ...order, id, state: 'SHIPPED' }] };
    expect(goalNamed(judge(history({ purchases: [own] }), won), /1 winners of/)).to.include({
      measured: '1',
      reached: true,
    });
    const lost = judge(history({ purchases: [own] }), { ...good, sale });
    expect(goalNamed(lost, /1 winners of/)).to.include({ measured: '0', reached: false });
    expect(lost.valid).to.equal(false);
  });

  it('writes a page that says so', () => {
    expect(verdictText(judge(history({ purchases: [own] }), good), 'a machine')).to.include(
      'No invariant was violated',
    );
    const bad = verdictText(judge(history(), evidence({ orders: [] })), 'a machine');
    expect(bad).to.include('NOT VALID').and.include('- I1 ord_1 was acknowledged for key-1 and is not there');
  });
});

describe('percentiles', () => {
  it('are those of the nearest rank', () => {
    const hundred = Array.from({ length: 100 }, (_, index) => index + 1);
    expect(latencyOf(hundred)).to.deep.equal({ count: 100, p50Ms: 50, p95Ms: 95, p99Ms: 99, maxMs: 100 });
    expect(latencyOf([7])).to.deep.equal({ count: 1, p50Ms: 7, p95Ms: 7, p99Ms: 7, maxMs: 7 });
    expect(latencyOf([])).to.deep.equal({ count: 0, p50Ms: 0, p95Ms: 0, p99Ms: 0, maxMs: 0 });
  });
});
