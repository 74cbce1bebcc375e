import { checkEvidence } from '../invariants/check-evidence.js';
import type { Evidence, Violation } from '../invariants/evidence.js';
import { saleOutcome } from '../invariants/sale.js';
import { nameOf, type Purchase } from '../workload/history.js';
import { type FaultKind, faultKinds } from './faults.js';
import type { FaultRecord, History } from './history-file.js';
import {
  type FaultVerdict,
  type GoalVerdict,
  type InvariantVerdict,
  latencyOf,
  type Verdict,
} from './verdict.js';

/** What a run shall reach, besides that no invariant is violated. */
export const goals = { backP95Ms: 2_000, finalWithinMs: 10_000, callsOk: 0.5 } as const;
/**
 * A machine whose processors were busier than this had no time to spare: how long things took is told then, and not judged.
 * Invariants, counts and the winners of the sale are, on every machine.
 */
const saturatedFrom = 0.9;

const whats: Readonly<Record<string, string>> = {
  I1: 'acknowledged orders exist and came to their end',
  I2: 'charged at most once, exactly the total',
  I3: 'money taken if and only if shipped; other holds let go',
  I4: 'pieces neither made nor lost, none oversold',
  I7: 'each event worked once: mails and carts',
  I8: 'the same key got the same bytes',
  I9: 'what buyers saw never went back',
  I14: 'most of it went well',
};

/** Judges a run from what clients saw and outside witnesses kept. Pure: the same evidence, the same verdict. */
export function judge(history: History, evidence: Evidence): Verdict {
  const violations = checkEvidence(evidence);
  const { run, end, purchases } = history;
  const goalsReached = [...goalVerdicts(history), ...saleGoal(evidence)];
  const states: Record<string, number> = {};
  for (const { state } of evidence.orders) states[state] = (states[state] ?? 0) + 1;
  return {
    run,
    valid: violations.length === 0 && goalsReached.every(({ reached, judged }) => reached || !judged),
    invariants: invariantVerdicts(evidence, violations),
    goals: goalsReached,
    faults: faultKinds.flatMap((kind) => faultVerdict(kind, history, evidence, violations)),
    violations,
    states,
    calls: outcomesOf(history.calls),
    acknowledged: latencyOf(
      purchases.flatMap(({ attempts, arrivedMs }) => {
        const known = attempts.filter(({ outcome }) => outcome !== 'info').map(({ endedMs }) => endedMs);
        return known.length === 0 ? [] : [Math.min(...known) - arrivedMs];
      }),
    ),
    lastedMs: Math.round((end.finalMs ?? end.healedMs) - end.loadBeganMs),
    processorsBusy: end.processorsBusy,
  };
}

function invariantVerdicts(evidence: Evidence, violations: readonly Violation[]): InvariantVerdict[] {
  const { purchases, orders, stock, mails } = evidence;
  const repeated = purchases.filter(
    ({ attempts }) => attempts.filter(({ outcome }) => outcome === 'ok').length > 1,
  );
  const checked: Readonly<Record<string, number>> = {
    I1: purchases.length,
    I2: orders.length,
    I3: orders.length,
    I4: stock.reduce((sum, { committed, reserved }) => sum + committed + reserved, 0),
    I7: mails.length,
    I8: repeated.length,
    I9: purchases.reduce((sum, { sightings }) => sum + sightings.length, 0),
    I14: purchases.length,
  };
  return Object.entries(whats).map(([invariant, what]) => {
    const count = violations.filter((violation) => violation.invariant === invariant).length;
    const of = checked[invariant] ?? 0;
    return {
      invariant,
      what,
      checked: of,
      violations: count,
      atMost: count > 0 || of === 0 ? undefined : 3 / of,
    };
  });
}

function goalVerdicts({ run, end, purchases, faults, calls }: History): GoalVerdict[] {
  const back = recoveries(faults);
  const back95 = latencyOf(back.flatMap((ms) => (ms === undefined ? [] : [ms]))).p95Ms;
  const never = back.filter((ms) => ms === undefined).length;
  const finalMs = end.finalMs === undefined ? undefined : Math.round(end.finalMs - end.healedMs);
  const { ok, info, fail } = outcomesOf(calls);
  const shareOk = ok / Math.max(1, ok + info + fail);
  const atLeast = (what: string, wanted: number, got: number): GoalVerdict => ({
    goal: `${wanted} ${what}`,
    measured: String(got),
    reached: got >= wanted,
    judged: true,
  });
  const judged = end.processorsBusy < saturatedFrom;
  return [
    // Not the one of the preparations, which came before.
    atLeast(
      'purchases',
      run.orders,
      purchases.filter(({ arrivedMs }) => arrivedMs >= end.loadBeganMs).length,
    ),
    atLeast('faults', run.faults, faults.length),
    atLeast('events delivered again', run.duplicates, end.duplicates),
    {
      goal: `traffic back within ${goals.backP95Ms} ms of a healed fault (p95)`,
      measured: `${back95} ms of ${back.length} that no other fault overtook${never > 0 ? `, ${never} never` : ''}`,
      reached: back95 <= goals.backP95Ms && never === 0 && (back.length > 0 || faults.length === 0),
      judged,
    },
    {
      goal: `every order final within ${goals.finalWithinMs} ms of the end of the faults`,
      measured: finalMs === undefined ? 'not in time' : `${finalMs} ms`,
      reached: finalMs !== undefined && finalMs <= goals.finalWithinMs,
      judged,
    },
    {
      goal: `over within ${run.withinMs / 60_000} minutes, starts and witnesses included`,
      measured: `${Math.round(end.tookMs / 1_000)} s`,
      reached: end.tookMs <= run.withinMs,
      judged,
    },
    {
      goal: `at least ${goals.callsOk * 100} % of calls ok, tries during outages included`,
      measured: `${(shareOk * 100).toFixed(1)} %`,
      reached: shareOk >= goals.callsOk,
      judged,
    },
  ];
}

/** The invariant says the same of a sale; this tells the numbers. */
function saleGoal(evidence: Evidence): GoalVerdict[] {
  const { came, won } = saleOutcome(evidence);
  if (evidence.sale === undefined) return [];
  const wanted = Math.min(evidence.sale.pieces, came.length);
  return [
    {
      goal: `exactly ${wanted} winners of a flash sale of ${evidence.sale.pieces} pieces to ${came.length} buyers`,
      measured: String(won.length),
      reached: came.length > 0 && won.length === wanted,
      judged: true,
    },
  ];
}

/** From healing to traffic, of faults that no other one overtook; undefined where it never came back. */
function recoveries(faults: readonly FaultRecord[]): (number | undefined)[] {
  return faults.flatMap((fault) => {
    if (overtaken(fault, faults)) return [];
    return [fault.backAtMs === undefined ? undefined : Math.max(0, fault.backAtMs - fault.healedMs)];
  });
}

/** Whether another fault lay on the way of the probe before it had gone well. */
function overtaken(fault: FaultRecord, all: readonly FaultRecord[]): boolean {
  const { probed, healedMs, backAtMs = Number.POSITIVE_INFINITY } = fault;
  const inTheWay = ({ touches }: FaultRecord) =>
    touches.some((name) => name === '*' || name === probed || name === 'gateway');
  return all.some(
    (other) =>
      other !== fault && inTheWay(other) && other.startedMs < backAtMs && recoveredBy(other) > healedMs,
  );
}

/** Until when a fault may be felt. */
function recoveredBy({ healedMs, backAtMs }: FaultRecord): number {
  return backAtMs ?? healedMs;
}

function faultVerdict(
  kind: FaultKind,
  history: History,
  evidence: Evidence,
  violations: readonly Violation[],
): FaultVerdict[] {
  const own = history.faults.filter(({ fault }) => fault === kind);
  if (own.length === 0) return [];
  const lasted = own.map((fault) => [fault.startedMs, recoveredBy(fault)] as const);
  const during = (fromMs: number, toMs: number) =>
    lasted.some(([start, end]) => fromMs <= end && toMs >= start);
  const purchases = history.purchases.filter(({ arrivedMs, sightings, attempts }) =>
    during(
      arrivedMs,
      Math.max(...sightings.map(({ atMs }) => atMs), ...attempts.map(({ endedMs }) => endedMs)),
    ),
  );
  const subjects = new Set(purchases.flatMap(namesOf));
  const known = new Set([...history.purchases.flatMap(namesOf), ...evidence.orders.map(({ id }) => id)]);
  const byInvariant: Record<string, number> = {};
  // What is about no single purchase may be anybody's.
  for (const { invariant, subject } of violations)
    if (subjects.has(subject) || !known.has(subject))
      byInvariant[invariant] = (byInvariant[invariant] ?? 0) + 1;
  const back = own.flatMap((fault) =>
    overtaken(fault, history.faults) || fault.backAtMs === undefined
      ? []
      : [Math.max(0, fault.backAtMs - fault.healedMs)],
  );
  return [
    {
      fault: kind,
      struck: own.length,
      tookEffect: own.filter(({ tookEffect }) => tookEffect).length,
      purchases: purchases.length,
      calls: outcomesOf(history.calls.filter(({ startedMs, endedMs }) => during(startedMs, endedMs))),
      backMs: latencyOf(back),
      violations: byInvariant,
    },
  ];
}

function outcomesOf(calls: readonly { readonly outcome: 'ok' | 'fail' | 'info' }[]) {
  const count = { ok: 0, fail: 0, info: 0 };
  for (const { outcome } of calls) count[outcome] += 1;
  return count;
}

/** What violations call a purchase and its order. */
function namesOf(purchase: Purchase): string[] {
  return [nameOf(purchase), ...(purchase.orderId ? [purchase.orderId] : [])];
}
