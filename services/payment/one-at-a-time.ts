/** Runs work of the same name one after the other, in the order of asking; work of different names does not wait. */
export type OneAtATime = <T>(name: string, signal: AbortSignal, work: () => Promise<T>) => Promise<T>;

/**
 * Makes a {@link OneAtATime}. Whoever waits and whose signal was aborted meanwhile gets the signal's reason, and its work is
 * not begun. Holds nothing for names that nobody works on.
 */
export function oneAtATime(): OneAtATime {
  const last = new Map<string, Promise<void>>();
  return async (name, signal, work) => {
    const before = last.get(name);
    let end: () => void = () => undefined;
    const mine = new Promise<void>((resolve) => {
      end = resolve;
    });
    last.set(name, mine);
    try {
      // Who came before ends only after those before it, so this is the whole queue.
      await before;
      signal.throwIfAborted();
      return await work();
    } finally {
      end();
      if (last.get(name) === mine) last.delete(name);
    }
  };
}
