import type { Violation } from '../invariants/evidence.js';
import type { FaultKind } from './faults.js';
import type { EndFacts, RunFacts } from './history-file.js';

/** What a run is judged to have shown. */
export interface Verdict {
  readonly run: RunFacts;
  readonly valid: boolean;
  readonly invariants: readonly InvariantVerdict[];
  readonly goals: readonly GoalVerdict[];
  readonly faults: readonly FaultVerdict[];
  readonly violations: readonly Violation[];
  /** Orders by their last state. */
  readonly states: Readonly<Record<string, number>>;
  /** Calls by what the client saw. */
  readonly calls: Readonly<Record<'ok' | 'fail' | 'info', number>>;
  /** From a buyer's arrival to the first answer about its order, in milliseconds. */
  readonly acknowledged: Latency;
  readonly lastedMs: number;
  /** See {@link EndFacts.processorsBusy}. */
  readonly processorsBusy: number;
}

/** One invariant over the whole run. */
export interface InvariantVerdict {
  readonly invariant: string;
  readonly what: string;
  /** How many things it was looked at. */
  readonly checked: number;
  readonly violations: number;
  /**
   * When none was found among N: at most this share of all, with 95 % confidence: the rule of three, 3/N (Hanley and
   * Lippman-Hand, JAMA 1983). Undefined when there was a violation, or nothing to look at.
   */
  readonly atMost: number | undefined;
}

/** Something that the run shall reach. */
export interface GoalVerdict {
  readonly goal: string;
  readonly measured: string;
  readonly reached: boolean;
  /** False for a matter of time on a machine that had none left: it says nothing about the shop then. */
  readonly judged: boolean;
}

/** What went on while faults of one kind lasted. */
export interface FaultVerdict {
  readonly fault: FaultKind;
  readonly struck: number;
  /** Those that found something to happen to. */
  readonly tookEffect: number;
  /** Purchases under way meanwhile. */
  readonly purchases: number;
  /** Calls under way meanwhile, by what the client saw. */
  readonly calls: Readonly<Record<'ok' | 'fail' | 'info', number>>;
  /** Milliseconds from healing until traffic was back, of those that no other fault overtook. */
  readonly backMs: Latency;
  /** Violations about purchases that were under way meanwhile, by invariant. */
  readonly violations: Readonly<Record<string, number>>;
}

/** Percentiles, in milliseconds. */
export interface Latency {
  readonly count: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** By the nearest rank. All zero for none. */
export function latencyOf(samplesMs: readonly number[]): Latency {
  const sorted = [...samplesMs].sort((left, right) => left - right);
  const at = (share: number) => Math.round(sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0);
  return { count: sorted.length, p50Ms: at(0.5), p95Ms: at(0.95), p99Ms: at(0.99), maxMs: at(1) };
}
