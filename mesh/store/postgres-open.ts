import type { Clock, Timers } from '../runtime/ports.js';
import { StartupError } from '../runtime/startup-error.js';
import { isConnectionLost, isRaceLost, sqlStateOf } from './postgres-errors.js';
import type { Pool, PoolClient } from './postgres-pool.js';

/** How often a server is tried that can't be reached yet, in milliseconds. */
const everyMs = 100;

/** How long to wait, and for what. */
export interface Patience {
  readonly openWithinMs: number;
  /** The role or the database may be about to be made. */
  readonly beingMade: boolean;
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly timers: Timers;
}

/**
 * Waits until a database can be used, and does the first work on it. The server may be starting.
 * @param name how messages name the database.
 * @throws StartupError when it is not there in time; whatever `work` throws.
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
      return await work(client);
    } catch (cause) {
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

function mayComeRight(error: unknown, beingMade: boolean): boolean {
  const state = sqlStateOf(error);
  if (isConnectionLost(error) || isRaceLost(error) || /timeout/i.test(String(error))) return true;
  // 53300: too many connections; 28: not authorised; 3D000: no such database.
  if (state === '53300') return true;
  return beingMade && state !== undefined && (state.startsWith('28') || state === '3D000');
}
