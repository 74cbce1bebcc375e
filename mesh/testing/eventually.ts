/** How long to wait and how often to look. */
export interface EventuallyOptions {
  /** Longest wait in milliseconds. Default 5000. */
  readonly withinMs?: number;
  /** Pause between two attempts in milliseconds. Default 10. */
  readonly everyMs?: number;
  /** What is awaited, for the message when it does not come: `the order to be shipped`. */
  readonly what?: string;
}

/**
 * Waits for a condition, by the machine's own clock: tries again until the attempt neither throws nor gives `false`.
 * An attempt that hangs ends with the bound too.
 *
 * ```ts
 * await eventually(() => expect(sink.mails).to.have.length(1), { what: 'the mail' });
 * const port = await eventually(async () => await readPort());
 * ```
 *
 * @returns what the successful attempt gave.
 * @throws Error that names the bound, the number of attempts and the last failure, which is its `cause`.
 */
export async function eventually<T>(
  attempt: () => T | Promise<T>,
  options: EventuallyOptions = {},
): Promise<Exclude<T, false>> {
  const { withinMs = 5_000, everyMs = 10, what = 'the condition' } = options;
  const endMs = performance.now() + withinMs;
  let attempts = 0;
  let failure: unknown;
  do {
    attempts += 1;
    try {
      const value = await before(endMs, attempt);
      if (value !== false) return value as Exclude<T, false>;
      failure = new Error('it was false');
    } catch (error) {
      // An attempt that was cut off says less than the one before it.
      failure = error instanceof CutOff ? (failure ?? error) : error;
    }
    await new Promise((resolve) =>
      setTimeout(resolve, Math.max(0, Math.min(everyMs, endMs - performance.now()))),
    );
  } while (performance.now() < endMs);
  const last = failure instanceof Error ? failure.message : String(failure);
  throw new Error(`waited ${withinMs} ms for ${what} (${attempts} attempts): ${last}`, { cause: failure });
}

/** The bound came while an attempt was under way. */
class CutOff extends Error {}

/** The attempt's answer, or an error at `endMs` if it has none by then. */
async function before<T>(endMs: number, attempt: () => T | Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const bound = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new CutOff('an attempt did not end')),
      Math.max(1, endMs - performance.now()),
    );
  });
  try {
    return await Promise.race([attempt(), bound]);
  } finally {
    clearTimeout(timer);
  }
}
