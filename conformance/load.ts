/** What a load came to. */
export interface LoadResult {
  readonly calls: number;
  /** What went wrong, and when (milliseconds since the load began). */
  readonly failures: readonly { readonly atMs: number; readonly problem: string }[];
  /** How long each call took that went well, in milliseconds, in the order of their ends. */
  readonly latenciesMs: readonly number[];
}

/** Calls that go on until they are told to stop. */
export interface Load {
  /** Calls that have ended so far. */
  calls(): number;
  stop(): Promise<LoadResult>;
}

/** Runs `call` again and again in each of `workers` loops, with a pause between, and keeps account of what fails. */
export function startLoad(workers: number, pauseMs: number, call: (turn: number) => Promise<void>): Load {
  const startedMs = performance.now();
  const failures: { atMs: number; problem: string }[] = [];
  const latenciesMs: number[] = [];
  let turns = 0;
  let ended = 0;
  let stopping = false;
  const loop = async () => {
    while (!stopping) {
      turns += 1;
      const begunMs = performance.now();
      try {
        await call(turns);
        latenciesMs.push(performance.now() - begunMs);
      } catch (error) {
        const cause = (error as Error).cause;
        const problem = `${(error as Error).message}${cause === undefined ? '' : ` (${String(cause)})`}`;
        failures.push({ atMs: Math.round(performance.now() - startedMs), problem });
      }
      ended += 1;
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  };
  const loops = Array.from({ length: workers }, loop);
  return {
    calls: () => ended,
    stop: async () => {
      stopping = true;
      await Promise.all(loops);
      return { calls: ended, failures, latenciesMs };
    },
  };
}
