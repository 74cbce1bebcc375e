/** What was opened, to be closed in the opposite order. */
export interface Opened {
  /** Notes how to close what was just opened. */
  push(close: () => Promise<unknown> | unknown): void;
  /**
   * Closes all of it, the last first: each once, and each although another fails.
   * @throws what the first that failed had thrown.
   */
  close(): Promise<void>;
}

/** Notes nothing yet. */
export function createOpened(): Opened {
  const steps: (() => Promise<unknown> | unknown)[] = [];
  return {
    push: (close) => {
      steps.push(close);
    },
    close: async () => {
      const failures: unknown[] = [];
      for (const step of steps.splice(0).reverse()) {
        try {
          await step();
        } catch (error) {
          failures.push(error);
        }
      }
      if (failures.length > 0) throw failures[0];
    },
  };
}

/**
 * Runs a start that opens one thing after the other: when a later step fails, everything before it is closed.
 * @throws what `start` throws.
 */
export async function opening<T>(start: (opened: Opened) => Promise<T>): Promise<T> {
  const opened = createOpened();
  try {
    return await start(opened);
  } catch (error) {
    await opened.close().catch(() => undefined);
    throw error;
  }
}
