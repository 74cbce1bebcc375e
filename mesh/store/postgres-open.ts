import type { Clock, Timers } from '../runtime/ports.js';
import { StartupError } from '../runtime/startup-error.js';
import { isConnectionLost, isRaceLost, sqlStateOf } from './postgres-errors.js';
import { closeAtOnce, type Pool, type PoolClient } from './postgres-pool.js';

/** How often a server is tried that can't be reached yet, in milliseconds. */
const everyMs = 100;

/** How long to wait, and for what. */
export interface Patience {
  /** For a server that takes connections, in milliseconds. */
  readonly openWithinMs: number;
  /** For the work, once there is one, in milliseconds: it may wait for another's, and a step may rewrite a table. */
  readonly workWithinMs: number;
  /** The role or the database may be about to be made. */
  readonly beingMade: boolean;
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly timers: Timers;
}

/**
 * Waits until a database can be used, and does the first work on it. The server may be starting. All of it ends within
 * `openWithinMs` and `workWithinMs` together.
 * @param name how messages name the database.
 * @throws StartupError when it is not there, or does not get through with the work, in time; whatever `work` throws.
 */
export async function firstWork<T>(
  pool: Pool,
  name: string,
  within: Patience,
  work: (client: PoolClient) => Promise<T>,
): Promise<T> {
  const untilMs = within.clock.monotonicMs() + within.openWithinMs;
  for (;;) {
    let client: PoolClient | undefined;
    try {
      client = await pool.connect();
      const endMs = untilMs + within.workWithinMs - within.clock.monotonicMs();
      return await inTime(work(client), endMs, name, within);
    } catch (cause) {
      if (cause instanceof TooLate) {
        // What it is at ends with its connection.
        if (client !== undefined) closeAtOnce(client);
        client = undefined;
        throw cause;
      }
      const patient = mayComeRight(cause, within.beingMade) && within.clock.monotonicMs() < untilMs;
      // What the work itself meets is for its caller to explain.
      if (!patient && client !== undefined) throw cause;
      if (!patient) {
        throw new StartupError(
          `${name} can't be used (${(cause as Error).message})`,
          'see that PostgreSQL runs there, and that its address and password are right',
          { cause },
        );
      }
    } finally {
      client?.release();
    }
    await within.timers.sleep(everyMs);
  }
}

class TooLate extends StartupError {}

/** @throws TooLate when the work has not ended by then. */
async function inTime<T>(
  work: Promise<T>,
  withinMs: number,
  name: string,
  { timers }: Pick<Patience, 'timers'>,
): Promise<T> {
  let cancel: () => void = () => undefined;
  const late = new Promise<never>((_, reject) => {
    cancel = timers.after(Math.max(0, withinMs), () =>
      reject(
        new TooLate(
          `${name} does not get through with its first work`,
          'see in pg_stat_activity whether another session holds locks there, and whether PostgreSQL answers at all',
        ),
      ),
    );
  });
  // When it is late it may fail later, when nobody listens.
  work.catch(() => undefined);
  try {
    return await Promise.race([work, late]);
  } finally {
    cancel();
  }
}

function mayComeRight(error: unknown, beingMade: boolean): boolean {
  const state = sqlStateOf(error);
  if (isConnectionLost(error) || isRaceLost(error) || /timeout/i.test(String(error))) return true;
  // 53300: too many connections; 28: not authorised; 3D000: no such database.
  if (state === '53300') return true;
  return beingMade && state !== undefined && (state.startsWith('28') || state === '3D000');
}
