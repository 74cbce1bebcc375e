/** When to start a process again that has ended without having been asked. */
export interface RestartPolicy {
  /** Wait before the first restart; doubles with each crash that follows soon. Default 100. */
  readonly baseDelayMs: number;
  /** Longest wait. Default 10000. */
  readonly maxDelayMs: number;
  /** A process that has run this long is well again: its crashes before are forgotten. Default 10000. */
  readonly forgivenAfterMs: number;
}

export const defaultRestartPolicy: RestartPolicy = Object.freeze({
  baseDelayMs: 100,
  maxDelayMs: 10_000,
  forgivenAfterMs: 10_000,
});

/** What is remembered of a process's crashes. */
export interface CrashHistory {
  /** Crashes in a row, each soon after its start. */
  readonly inARow: number;
}

export const noCrashes: CrashHistory = Object.freeze({ inARow: 0 });

/**
 * Decides how long to wait before a crashed process starts again: exponential, as Kubernetes does it for a crashing
 * container (https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#restart-policy). Pure.
 * @param ranMs how long the process had run.
 */
export function afterCrash(
  history: CrashHistory,
  ranMs: number,
  policy: RestartPolicy = defaultRestartPolicy,
): { readonly history: CrashHistory; readonly delayMs: number } {
  const inARow = ranMs >= policy.forgivenAfterMs ? 1 : history.inARow + 1;
  return {
    history: { inARow },
    delayMs: Math.min(policy.maxDelayMs, policy.baseDelayMs * 2 ** Math.min(inARow - 1, 30)),
  };
}
