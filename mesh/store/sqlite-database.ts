import { DatabaseSync } from '@photostructure/sqlite';
import { StartupError } from '../runtime/startup-error.js';
import { type CommitSync, type LogFile, shareSyncs } from './commit-sync.js';
import type { Row, SqlValue } from './store.js';

/** A prepared statement. Integers come out as numbers, those that a number can't hold exactly as bigints. */
export interface SqliteStatement {
  all(...values: SqlValue[]): Row[];
  get(...values: SqlValue[]): Row | undefined;
  run(...values: SqlValue[]): { readonly changes: number };
}

/** The part of a SQLite connection that a store and a bus use. All of it is synchronous. */
export interface SqliteDatabase {
  /** The statement for this text; the same one each time. */
  prepare(sql: string): SqliteStatement;
  exec(sql: string): void;
  /** Runs `work` in a transaction: all of it happens, or, if it throws, nothing. */
  transaction<T>(work: () => T): T;
  /**
   * Resolves when all that was committed by now survives a loss of power; undefined when it does. Nobody may act before on
   * what it has written or read. Rejects when the disk failed: then this connection is of no use any more.
   */
  settled(): Promise<void> | undefined;
  /** How long a statement waits, with the thread blocked, where another process holds the database. Default 2000 ms. */
  blockFor(waitMs: number): void;
  close(): void;
}

/**
 * Pages in the log before they are moved into the file: 16 MiB. A page that many transactions have written moves once, and
 * the thread waits for the disk once for all of them; SQLite's own 1000 pages are a checkpoint for each 30 orders.
 */
const checkpointPages = 4_000;

/** Statement texts are few and fixed; the bound is for a mistake that builds them from data. */
const maxStatements = 500;

/** How a database is opened. */
export interface SqliteDatabaseOptions {
  /**
   * Gives the file of the write-ahead log: then the thread goes on while commits are synced, many at once, and
   * {@link SqliteDatabase.settled} tells when. Only where no other process reads the file, since it would not know what is on
   * the disk. Without, SQLite syncs each commit, and all else waits for it.
   */
  readonly openLog?: ((path: string) => LogFile) | undefined;
}

/**
 * Opens a database file (or `:memory:`) with a write-ahead log and every commit synced.
 * @throws StartupError when the file can't be opened, written, or is not a database.
 */
export function openSqliteDatabase(path: string, options: SqliteDatabaseOptions = {}): SqliteDatabase {
  const openLog = path === ':memory:' ? undefined : options.openLog;
  let connection: InstanceType<typeof DatabaseSync> | undefined;
  try {
    connection = new DatabaseSync(path);
    // The timeout comes first: instances that open a new file together wait for each other already at the journal.
    connection.exec(
      'PRAGMA busy_timeout = 2000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON',
    );
    connection.exec(`PRAGMA wal_autocheckpoint = ${checkpointPages}`);
    // SQLite opens a file that it may not write for reading alone: better to hear of it now than at the first commit.
    connection.exec('BEGIN IMMEDIATE; ROLLBACK');
    if (openLog === undefined) return wrap(connection, undefined);
    // The log is synced here instead, and by SQLite still before it moves what is in it into the file.
    connection.exec('PRAGMA synchronous = NORMAL');
    return wrap(connection, shareSyncs(openLog(`${path}-wal`), { gather: setImmediate }));
  } catch (cause) {
    connection?.close();
    throw new StartupError(
      `the database ${path} can't be opened (${(cause as Error).message})`,
      'make it readable and writable, or restore it from a copy',
      { cause },
    );
  }
}

interface NativeStatement extends SqliteStatement {
  setReadBigInts(enabled: boolean): void;
}

/** The driver refuses an integer beyond 2^53; such a row is read again with bigints, so that others don't pay for it. */
function withBigInts(statement: NativeStatement): SqliteStatement {
  const reading = <T>(read: () => T, narrowed: (value: T) => T): T => {
    try {
      return read();
    } catch (error) {
      if (!/too large to be represented/.test(String(error))) throw error;
      statement.setReadBigInts(true);
      try {
        return narrowed(read());
      } finally {
        statement.setReadBigInts(false);
      }
    }
  };
  return {
    all: (...values) =>
      reading(
        () => statement.all(...values),
        (rows) => rows.map(narrow),
      ),
    get: (...values) =>
      reading(
        () => statement.get(...values),
        (row) => (row === undefined ? undefined : narrow(row)),
      ),
    run: (...values) => statement.run(...values),
  };
}

function narrow(row: Row): Row {
  const isSafe = (value: SqlValue) => typeof value === 'bigint' && Number.isSafeInteger(Number(value));
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [name, isSafe(value) ? Number(value) : value]),
  );
}

function wrap(
  connection: InstanceType<typeof DatabaseSync>,
  commitSync: CommitSync | undefined,
): SqliteDatabase {
  const statements = new Map<string, SqliteStatement>();
  let depth = 0;
  const begin = connection.prepare('BEGIN IMMEDIATE');
  const commit = connection.prepare('COMMIT');
  return {
    prepare: (sql) => {
      const known = statements.get(sql);
      if (known !== undefined) return known;
      if (statements.size >= maxStatements) statements.clear();
      const statement = withBigInts(connection.prepare(sql) as unknown as NativeStatement);
      const told: SqliteStatement = {
        ...statement,
        run: (...values) => {
          const result = statement.run(...values);
          if (depth === 0) commitSync?.committed();
          return result;
        },
      };
      statements.set(sql, told);
      return told;
    },
    exec: (sql) => connection.exec(sql),
    transaction: (work) => {
      if (depth > 0) throw new Error('a transaction within a transaction: put both into one batch');
      depth += 1;
      try {
        begin.run();
        try {
          const result = work();
          commit.run();
          commitSync?.committed();
          return result;
        } catch (error) {
          // SQLite has ended the transaction by itself after some failures, such as a full disk.
          try {
            connection.exec('ROLLBACK');
          } catch {
            // Nothing is open, which is what was wanted.
          }
          throw error;
        }
      } finally {
        depth -= 1;
      }
    },
    settled: () => commitSync?.settled(),
    blockFor: (waitMs) => connection.exec(`PRAGMA busy_timeout = ${Math.trunc(waitMs)}`),
    close: () => {
      statements.clear();
      try {
        // The driver leaves the log behind as long as a statement is alive: so the file alone is the whole database.
        connection.exec('PRAGMA wal_checkpoint(TRUNCATE)');
      } catch {
        // The log stays and is read at the next opening.
      }
      connection.close();
      commitSync?.close();
    },
  };
}
