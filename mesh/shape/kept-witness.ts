import type { Ambient, Log } from '../runtime/ports.js';
import { afterCrash, noCrashes } from './processes/restart-policy.js';
import type { Witness } from './witness-process.js';

/** What keeps a witness running. */
export interface KeepWitnessOptions {
  readonly name: string;
  readonly ambient: Pick<Ambient, 'clock' | 'timers'>;
  readonly log: Log;
  /**
   * Starts it.
   * @param before what the one before it said when it began to listen: this one must be found in the same places.
   * @param onExit to be called when it ends without having been asked.
   */
  start(before: Witness['listening'] | undefined, onExit: (code: number | null) => void): Promise<Witness>;
  /** Told of what people should know: one line. */
  tell(line: string): void;
}

/** A witness that is started again when it dies. */
export interface KeptWitness {
  /** Of the one that runs now. */
  readonly pid: () => number;
  /** The same for all of its lives. */
  readonly listening: Witness['listening'];
  /** Ends it for good. */
  stop(graceMs: number): Promise<void>;
}

/**
 * Starts a witness and keeps it running, with the waits that instances have between their crashes. One that can't be
 * started again counts as crashed, and is tried again.
 * @throws StartupError when it can't be started the first time.
 */
export async function keepWitness(options: KeepWitnessOptions): Promise<KeptWitness> {
  const { name, ambient, log, tell } = options;
  let history = noCrashes;
  let stopping = false;
  let cancel: () => void = () => undefined;
  let startedMs = ambient.clock.monotonicMs();

  const ended = (how: string) => {
    if (stopping) return;
    const decided = afterCrash(history, ambient.clock.monotonicMs() - startedMs);
    history = decided.history;
    log.error({ witness: name, how }, 'a witness has ended');
    tell(`${name} ended (${how}); it starts again in ${decided.delayMs} ms`);
    cancel = ambient.timers.after(decided.delayMs, () => {
      restarting = again();
    });
  };
  const begin = (before: Witness['listening'] | undefined) => {
    startedMs = ambient.clock.monotonicMs();
    return options.start(before, (code) => ended(code === null ? 'killed' : `exit code ${code}`));
  };
  const again = async () => {
    try {
      current = await begin(listening);
      log.info({ witness: name, pid: current.pid }, 'a witness was started again');
    } catch (error) {
      ended(error instanceof Error ? error.message : String(error));
    }
  };

  let current = await begin(undefined);
  const { listening } = current;
  let restarting: Promise<void> = Promise.resolve();
  return {
    pid: () => current.pid,
    listening,
    stop: async (graceMs) => {
      stopping = true;
      cancel();
      await restarting;
      await current.stop(graceMs);
    },
  };
}
