import type { Ambient } from '../../mesh/runtime/ports.js';
import type { PlannedFault } from './faults.js';
import type { HistoryWriter } from './history-file.js';
import type { Nemesis } from './nemesis.js';
import type { TrafficProbe } from './traffic-probe.js';

/** Faults that are done at their moments. */
export interface Harm {
  /** Ends all that last. @returns when all was healed, on the monotonic clock. */
  heal(): Promise<number>;
  /** Resolves when it is known of each fault when traffic was back, and all are in the history. */
  told(): Promise<void>;
}

export interface HarmOptions extends Pick<Ambient, 'clock' | 'timers'> {
  readonly plan: readonly PlannedFault[];
  readonly nemesis: Nemesis;
  readonly probe: TrafficProbe;
  readonly history: HistoryWriter;
  readonly signal: AbortSignal;
}

/** Begins: each fault at its moment from now on, beside the others; after each one traffic is asked for until it is back. */
export function doHarm(options: HarmOptions): Harm {
  const { clock, timers, nemesis, probe, history, signal } = options;
  const beganMs = clock.monotonicMs();
  const strikes: Promise<void>[] = [];
  const tellings: Promise<void>[] = [];
  for (const fault of options.plan) {
    const waited = timers.sleep(Math.max(0, fault.atMs - (clock.monotonicMs() - beganMs)), signal);
    const struck = waited.then(() => nemesis.strike(fault));
    strikes.push(struck.then(() => undefined));
    tellings.push(
      struck.then(async (told) => {
        const backAtMs = await probe.untilBack(told.probed, signal);
        history.write({ kind: 'fault', ...told, backAtMs });
      }),
    );
  }
  // A run that is broken off is told by its signal.
  const all = (promises: readonly Promise<void>[]) => Promise.allSettled(promises);
  void all(strikes);
  void all(tellings);
  return {
    heal: async () => {
      nemesis.heal();
      await all(strikes);
      return clock.monotonicMs();
    },
    told: async () => {
      const failed = (await all(tellings)).find((one) => one.status === 'rejected');
      if (failed?.status === 'rejected') throw failed.reason;
    },
  };
}
