import type { Lease } from '../store/lease.js';
import type { Log, Timers } from './ports.js';
import type { Background, Worker } from './service.js';

/** What a loop of repeated work needs. */
export interface WorkerLoopOptions {
  readonly worker: Worker;
  readonly timers: Timers;
  readonly log: Log;
  /** Where several instances share the work: a run is left out while another instance is at it. */
  readonly lease?: Lease | undefined;
  /** Gives each run a context of its own. */
  readonly background: Background;
}

/**
 * Runs a worker again and again, with its pause in between; a run that fails is logged and the next one comes all the
 * same. Returns the function that stops it and resolves when the run in progress has ended.
 */
export function startWorker(options: WorkerLoopOptions): () => Promise<void> {
  const { worker, timers, log, lease } = options;
  const stopping = new AbortController();
  const loop = (async () => {
    while (!stopping.signal.aborted) {
      await timers.sleep(worker.everyMs, stopping.signal).catch(() => undefined);
      if (stopping.signal.aborted) return;
      try {
        if (lease !== undefined && !(await lease.hold())) continue;
        try {
          await options.background({ deadlineMs: deadlineOf(worker) }, (context) => worker.run(context));
        } finally {
          await lease?.release();
        }
      } catch (error) {
        log.warn(
          { worker: worker.name, error: String(error) },
          'a run failed: the next one follows after its pause',
        );
      }
    }
  })();
  return () => {
    stopping.abort();
    return loop;
  };
}

/** Limit of one run, in milliseconds. */
export function deadlineOf(worker: Worker): number {
  return worker.deadlineMs ?? 10_000;
}
