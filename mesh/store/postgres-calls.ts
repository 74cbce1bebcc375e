import type { Clock, Log, Timers } from '../runtime/ports.js';
import {
  Abandoned,
  CommitUnknown,
  isConnectionLost,
  isPlanOutdated,
  isRaceLost,
  sqlStateOf,
} from './postgres-errors.js';
import { closeAtOnce, type Pool, type PoolClient } from './postgres-pool.js';
import {
  createStatementNames,
  inTransaction,
  type PostgresSession,
  sessionOn,
  type WorkProgress,
} from './postgres-session.js';
import { StoreConflict } from './store.js';

/** What pieces of work on PostgreSQL are run with. */
export interface PostgresCallsOptions {
  readonly pool: Pool;
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly timers: Timers;
  readonly log?: Log | undefined;
  /** How long a piece of work may take, all its attempts and waits included, in milliseconds. Default 900. */
  readonly withinMs?: number;
  /** How long it may wait for a server that can't be reached, in milliseconds. Default 300. */
  readonly reconnectWithinMs?: number;
}

/** Runs pieces of work on PostgreSQL, each within its time, and again where that changes nothing twice. */
export interface PostgresCalls {
  /** Work of one statement. */
  read<T>(work: (session: PostgresSession) => Promise<T>): Promise<T>;
  /** Work of several statements, in a transaction. @throws CommitUnknown when it may have been committed. */
  write<T>(work: (session: PostgresSession) => Promise<T>): Promise<T>;
}

/** Whether a connection that such an error came over can serve the next. */
function isReusable(error: unknown): boolean {
  if (error instanceof StoreConflict || error instanceof Abandoned) return true;
  return sqlStateOf(error) !== undefined && !isConnectionLost(error) && !isPlanOutdated(error);
}

/** Pause before another attempt, in milliseconds. */
const pauseMs = 20;

/**
 * Makes the functions that run work on a pool. Work is done again when it lost a race, and when its connection was lost
 * before COMMIT was sent: then nothing was written. What was sent and not answered is not repeated.
 */
export function postgresCalls(options: PostgresCallsOptions): PostgresCalls {
  const { pool, clock, timers, log, withinMs = 900, reconnectWithinMs = 300 } = options;
  const prepared = createStatementNames();
  let away = false;
  const tell = (lost: unknown) => {
    if (lost !== undefined && !away) log?.warn({ problem: String(lost) }, 'PostgreSQL is away');
    if (lost === undefined && away) log?.info({}, 'PostgreSQL is back');
    away = lost !== undefined;
  };

  /**
   * One attempt on one connection. Whoever waits for it waits no longer than `leftMs`; the connection does: what the
   * server is at ends by statement_timeout, nothing further is sent but ROLLBACK, and the connection serves again. On a
   * machine that is busy, closing it instead would make the next one pay for a new one, and be late as well, and so on.
   */
  const attempt = <T>(
    leftMs: number,
    work: (client: PoolClient, progress: WorkProgress) => Promise<T>,
  ): Promise<T> =>
    new Promise((resolve, reject) => {
      const progress: WorkProgress = { committing: false, abandoned: false };
      let client: PoolClient | undefined;
      const release = (broken: boolean) => {
        const held = client;
        client = undefined;
        if (held === undefined) return;
        // A transaction that could not even be undone (`E`, `T`) must not meet the next piece of work.
        if (broken || held.getTransactionStatus() !== 'I') closeAtOnce(held);
        else held.release();
      };
      let cancel = timers.after(Math.max(1, leftMs), () => {
        progress.abandoned = true;
        cancel = timers.after(withinMs, () => release(true));
        const late = new Error(`PostgreSQL does not answer within ${withinMs} ms`);
        reject(progress.committing ? new CommitUnknown(late) : late);
      });
      const onOneConnection = async () => {
        client = await pool.connect();
        try {
          const result = await work(client, progress);
          release(false);
          return result;
        } catch (error) {
          release(!isReusable(error));
          throw error;
        }
      };
      // Both do nothing when it was given up meanwhile.
      onOneConnection()
        .then(resolve, reject)
        .finally(() => cancel());
    });

  const run = async <T>(work: (client: PoolClient, progress: WorkProgress) => Promise<T>): Promise<T> => {
    const startedMs = clock.monotonicMs();
    for (;;) {
      const passedMs = clock.monotonicMs() - startedMs;
      try {
        const result = await attempt(withinMs - passedMs, work);
        tell(undefined);
        return result;
      } catch (error) {
        const lost = isConnectionLost(error) && !(error instanceof CommitUnknown);
        if (lost) tell(error);
        const again = isRaceLost(error) || isPlanOutdated(error) || lost;
        const nowMs = clock.monotonicMs() - startedMs;
        if (!again || nowMs + pauseMs >= (lost ? reconnectWithinMs : withinMs)) throw error;
        await timers.sleep(pauseMs);
      }
    }
  };

  return {
    read: (work) => run((client, progress) => work(sessionOn(client, prepared, progress))),
    write: (work) =>
      run((client, progress) =>
        inTransaction(client, progress, () => work(sessionOn(client, prepared, progress))),
      ),
  };
}
