/** One operation of a concurrent history, as its caller saw it. */
export interface Operation<Call, Result> {
  readonly call: Call;
  /** What was answered; undefined when nobody knows whether it happened: then it may have, at any time since, or never. */
  readonly result: Result | undefined;
  /** When it was asked for. Any clock that all callers share. */
  readonly startedMs: number;
  /** When the answer came; infinite without one. */
  readonly endedMs: number;
}

/** The thing that the operations are about, as it would be if one operation came after the other. */
export interface SequentialModel<State, Call, Result> {
  readonly initial: State;
  /** What the call does and answers in a state. */
  step(state: State, call: Call): { readonly state: State; readonly result: Result };
  /** Whether an answer is the one that the model gives. */
  sameResult(expected: Result, seen: Result): boolean;
  /** A text that is the same for the same state and for no other. */
  keyOf(state: State): string;
}

/** Whether a history can be explained; if not, the longest part of it that can. */
export type Verdict<Call, Result> =
  | { readonly linearizable: true; readonly order: readonly Operation<Call, Result>[] }
  | {
      readonly linearizable: false;
      /** As many operations as any explanation reaches, in its order. */
      readonly longest: readonly Operation<Call, Result>[];
      /** Those with an answer that no explanation of that length has room for. */
      readonly stuck: readonly Operation<Call, Result>[];
    };

/**
 * Looks for an order of the operations, each at one moment between its start and its end, in which the model gives every
 * answer that was seen. Depth first; a set of operations that led to the same state before is not tried again.
 *
 * Source: J. M. Wing and C. Gong, "Testing and Verifying Concurrent Objects", 1993; the memory of what was tried is from
 * G. Lowe, "Testing for Linearizability", 2017. The problem is NP-complete: keep histories of one object short, some
 * hundreds of operations of a dozen callers.
 */
export function checkLinearizable<State, Call, Result>(
  model: SequentialModel<State, Call, Result>,
  operations: readonly Operation<Call, Result>[],
): Verdict<Call, Result> {
  const all = [...operations].sort((left, right) => left.startedMs - right.startedMs);
  const known = all.filter(({ result }) => result !== undefined).length;
  const tried = new Set<string>();
  const done = new Uint8Array(all.length);
  const order: number[] = [];
  let longest: number[] = [];

  const search = (state: State, knownDone: number): boolean => {
    if (knownDone === known) return true;
    if (order.length >= longest.length) longest = [...order];
    // What is answered before another is asked for comes before it.
    let firstEndMs = Number.POSITIVE_INFINITY;
    for (let index = 0; index < all.length; index += 1) {
      const { endedMs } = all[index] as Operation<Call, Result>;
      if (done[index] === 0 && endedMs < firstEndMs) firstEndMs = endedMs;
    }
    const key = model.keyOf(state);
    for (let index = 0; index < all.length; index += 1) {
      const { call, result, startedMs } = all[index] as Operation<Call, Result>;
      if (startedMs > firstEndMs) break;
      if (done[index] === 1) continue;
      const after = model.step(state, call);
      const afterKey = model.keyOf(after.state);
      // One that nobody heard of explains nothing unless it changes something.
      if (result === undefined ? afterKey === key : !model.sameResult(after.result, result)) continue;
      done[index] = 1;
      const place = `${done.join('')} ${afterKey}`;
      if (!tried.has(place)) {
        tried.add(place);
        order.push(index);
        if (search(after.state, knownDone + (result === undefined ? 0 : 1))) return true;
        order.pop();
      }
      done[index] = 0;
    }
    return false;
  };

  const at = (index: number) => all[index] as Operation<Call, Result>;
  if (search(model.initial, 0)) return { linearizable: true, order: order.map(at) };
  const explained = new Set(longest);
  return {
    linearizable: false,
    longest: longest.map(at),
    stuck: all.filter(({ result }, index) => result !== undefined && !explained.has(index)),
  };
}
