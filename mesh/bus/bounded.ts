import type { Timers } from '../runtime/ports.js';

/**
 * Waits for work no longer than a bound. The work itself is not ended.
 * @throws what the work throws, or Error when it is late.
 */
export async function bounded<T>(timers: Timers, withinMs: number, work: Promise<T>): Promise<T> {
  let cancel: () => void = () => undefined;
  const late = new Promise<never>((_, reject) => {
    cancel = timers.after(withinMs, () => reject(new Error(`no answer within ${withinMs} ms`)));
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    cancel();
    work.catch(() => undefined);
  }
}
