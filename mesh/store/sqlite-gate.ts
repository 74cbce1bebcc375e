import type { Timers } from '../runtime/ports.js';
import type { SqliteDatabase } from './sqlite-database.js';
import { isBusy } from './sqlite-errors.js';

/** How long a write waits for another process that holds the database, in milliseconds, before its caller is told. */
const patienceMs = 500;
/** How long SQLite itself waits, with the thread blocked: as long as an ordinary commit of another takes. */
const blockMs = 50;
/** Pause between two looks whether it is free. */
const lookEveryMs = 10;

/** Runs a write, and waits where another process is writing. */
export type SqliteGate = <T>(write: () => T) => Promise<T>;

/**
 * Lets writes wait for another process that holds the database, without holding up this one. SQLite's own waiting blocks the
 * thread: a lock that stays for seconds would keep every other call of the process from its answer too. What
 * takes longer than a commit is waited for here, once for all writes.
 */
export function createSqliteGate(database: SqliteDatabase, timers: Pick<Timers, 'sleep'>): SqliteGate {
  database.blockFor(blockMs);
  let closed: Promise<void> | undefined;
  let looksLeft = 0;

  /** Looks until the database is free, or nobody is left who waits for it. */
  async function untilFree(): Promise<void> {
    try {
      while (looksLeft > 0 && !isFree(database)) {
        looksLeft -= 1;
        await timers.sleep(lookEveryMs);
      }
    } finally {
      closed = undefined;
    }
  }

  async function wait(): Promise<void> {
    looksLeft = patienceMs / lookEveryMs;
    closed ??= untilFree();
    const patience = new AbortController();
    await Promise.race([closed, timers.sleep(patienceMs, patience.signal).catch(() => undefined)]);
    patience.abort();
  }

  return async (write) => {
    if (closed === undefined) {
      try {
        return write();
      } catch (error) {
        if (!isBusy(error)) throw error;
      }
    }
    await wait();
    return write();
  };
}

function isFree(database: SqliteDatabase): boolean {
  database.blockFor(0);
  try {
    database.transaction(() => undefined);
    return true;
  } catch (error) {
    if (isBusy(error)) return false;
    throw error;
  } finally {
    database.blockFor(blockMs);
  }
}
