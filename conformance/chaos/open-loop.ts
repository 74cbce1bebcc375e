import type { Ambient } from '../../mesh/runtime/ports.js';

/** Something that shall begin at its moment, whatever else is under way. */
export interface Arrival {
  /** In milliseconds since the load began. */
  readonly atMs: number;
  /** @param arrivedMs the moment when it should have begun, on the monotonic clock. */
  begin(arrivedMs: number): Promise<void>;
}

/**
 * Lets each arrival begin at its moment; none waits for another, so that a shop that is slow is not spared (no coordinated
 * omission: latency counts from the moment of arrival). Resolves when all have ended. Ends early with the signal: what has
 * not begun by then never does.
 */
export async function openLoop(
  arrivals: readonly Arrival[],
  { clock, timers }: Pick<Ambient, 'clock' | 'timers'>,
  signal: AbortSignal,
): Promise<void> {
  const beganMs = clock.monotonicMs();
  const running: Promise<void>[] = [];
  for (const { atMs, begin } of [...arrivals].sort((left, right) => left.atMs - right.atMs)) {
    const arrivedMs = beganMs + atMs;
    const waitMs = arrivedMs - clock.monotonicMs();
    if (waitMs > 0) await timers.sleep(waitMs, signal).catch(() => undefined);
    if (signal.aborted) break;
    running.push(begin(arrivedMs));
  }
  await Promise.all(running);
}
