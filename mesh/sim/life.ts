import type { Ambient, Timers } from '../runtime/ports.js';
import type { Schedule } from './schedule.js';
import type { SeededRandom } from './seeded-random.js';

/**
 * One run of a process, from its start to its crash. All that the process does passes through its life: what a dead one
 * has planned never happens, what it waits for never comes.
 */
export interface Life {
  /** The process, such as `order-1`. */
  readonly name: string;
  /** Whose code it runs, such as `order`. */
  readonly service: string;
  readonly ambient: Ambient;
  alive(): boolean;
  /** kill -9: at once and without a word. */
  end(): void;
  /** Called when it ends; returns what takes the listener away. */
  onEnd(listener: () => void): () => void;
  /** SIGSTOP: until that moment nothing that is planned happens. Then everything does. */
  pause(untilMs: number): void;
  /** A moment of work: resolves `delayMs` later, or never when the process has died by then. */
  step(delayMs: number): Promise<void>;
  /** Runs a task later in this life. */
  after(delayMs: number, task: () => void): () => void;
}

/** What a life is made of. */
export interface LifeOptions {
  readonly name: string;
  readonly service: string;
  readonly schedule: Schedule;
  readonly random: SeededRandom;
  /** What this machine's clock shows at virtual time 0, in milliseconds since the epoch; it may jump. */
  clockAtStartMs(): number;
  /** Called each time that something it waited for comes, before it goes on: it may be killed there. */
  readonly onResume?: (() => void) | undefined;
}

/** Begins a life. */
export function beginLife(options: LifeOptions): Life {
  const { name, service, schedule, random } = options;
  const listeners = new Set<() => void>();
  let alive = true;
  let pausedUntilMs = 0;

  const after = (delayMs: number, task: () => void): (() => void) => {
    if (!alive) return () => undefined;
    let cancel = schedule.after(delayMs, function run() {
      if (!alive) return;
      const left = pausedUntilMs - schedule.nowMs();
      if (left > 0) {
        cancel = schedule.after(left, run);
        return;
      }
      options.onResume?.();
      if (alive) task();
    });
    return () => cancel();
  };
  const timers: Timers = {
    after,
    sleep: (delayMs, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason);
        const onAbort = () => {
          cancel();
          reject(signal?.reason);
        };
        const cancel = after(delayMs, () => {
          signal?.removeEventListener('abort', onAbort);
          resolve();
        });
        signal?.addEventListener('abort', onAbort, { once: true });
      }),
  };
  return {
    name,
    service,
    ambient: {
      clock: {
        nowMs: () => Math.floor(options.clockAtStartMs() + schedule.nowMs()),
        monotonicMs: () => schedule.nowMs(),
      },
      random,
      timers,
    },
    alive: () => alive,
    end: () => {
      if (!alive) return;
      alive = false;
      for (const listener of [...listeners]) listener();
      listeners.clear();
    },
    onEnd: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    pause: (untilMs) => {
      pausedUntilMs = Math.max(pausedUntilMs, untilMs);
    },
    step: (delayMs) =>
      new Promise((resolve) => {
        after(delayMs, resolve);
      }),
    after,
  };
}
