/** A call that went wrong. Times in milliseconds since the load began. */
export interface Failure {
  readonly begunAtMs: number;
  readonly atMs: number;
  readonly problem: string;
}

/** What a load came to. */
export interface LoadResult {
  readonly calls: number;
  readonly failures: readonly Failure[];
  /** How long each call took that went well, in milliseconds, in the order of their ends. */
  readonly latenciesMs: readonly number[];
}

/** Calls that go on until they are told to stop. */
export interface Load {
  /** Calls that have ended so far. */
  calls(): number;
  /** Milliseconds since the load began. */
  elapsedMs(): number;
  stop(): Promise<LoadResult>;
}

/** Runs `call` again and again in each of `workers` loops, with a pause between, and keeps account of what fails. */
export function startLoad(
  workers: number,
  pauseMs: number,
  call: (turn: number, worker: number) => Promise<void>,
): Load {
  const startedMs = performance.now();
  const failures: Failure[] = [];
  const latenciesMs: number[] = [];
  let turns = 0;
  let ended = 0;
  let stopping = false;
  const elapsedMs = () => performance.now() - startedMs;
  const loop = async (worker: number) => {
    while (!stopping) {
      turns += 1;
      const begunAtMs = elapsedMs();
      try {
        await call(turns, worker);
        latenciesMs.push(elapsedMs() - begunAtMs);
      } catch (error) {
        const cause = (error as Error).cause;
        const problem = `${(error as Error).message}${cause === undefined ? '' : ` (${String(cause)})`}`;
        failures.push({ begunAtMs: Math.round(begunAtMs), atMs: Math.round(elapsedMs()), problem });
      }
      ended += 1;
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  };
  const loops = Array.from({ length: workers }, (_, worker) => loop(worker));
  return {
    calls: () => ended,
    elapsedMs,
    stop: async () => {
      stopping = true;
      await Promise.all(loops);
      return { calls: ended, failures, latenciesMs };
    },
  };
}
