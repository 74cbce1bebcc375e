import { Abandoned, CommitUnknown, isRaceLost, sqlStateOf } from './postgres-errors.js';
import { beginWriting, type PoolClient } from './postgres-pool.js';
import { withNumberedPlaceholders } from './postgres-sql.js';
import type { Row, SqlValue } from './store.js';

/** A value of a statement; an array is one value, for `unnest` and `ANY`. */
export type PostgresValue = SqlValue | readonly SqlValue[];

/** A connection as a piece of work has it. */
export interface PostgresSession {
  /** Runs one statement with `?` placeholders. @throws what the driver throws. */
  run(sql: string, values?: readonly PostgresValue[]): Promise<PostgresResult>;
}

export interface PostgresResult {
  readonly rows: Row[];
  /** How many rows were changed. */
  readonly changes: number;
}

/** Statement texts are few and fixed; the bound is for a mistake that builds them from data. */
const maxStatements = 500;

/** A statement as the driver wants it: translated, and prepared once for each connection under its name. */
interface Prepared {
  readonly name?: string;
  readonly text: string;
}

/** Remembers the texts of a pool's statements. */
export function createStatementNames(): (sql: string) => Prepared {
  const known = new Map<string, Prepared>();
  return (sql) => {
    const before = known.get(sql);
    if (before !== undefined) return before;
    const text = withNumberedPlaceholders(sql);
    if (known.size >= maxStatements) return { text };
    const prepared = { name: `s${known.size}`, text };
    known.set(sql, prepared);
    return prepared;
  };
}

/** How far a piece of work has come, and whether anybody waits for it. */
export interface WorkProgress {
  /** True from the moment in which COMMIT is sent: from then on nobody knows, until its answer is here. */
  committing: boolean;
  /** Set when it was given up: it sends no further statement. */
  abandoned: boolean;
}

/** A session on a connection. */
export function sessionOn(
  client: PoolClient,
  prepared: (sql: string) => Prepared,
  progress: Pick<Readonly<WorkProgress>, 'abandoned'> = { abandoned: false },
): PostgresSession {
  return {
    run: async (sql, values = []) => {
      if (progress.abandoned) throw new Abandoned();
      const { rows, rowCount } = await client.query<Row>({ ...prepared(sql), values: [...values] });
      return { rows, changes: rowCount ?? 0 };
    },
  };
}

/**
 * Runs work in a transaction: all of it happens, or, if it throws, nothing.
 * @throws CommitUnknown when the connection broke while COMMIT was on its way; Abandoned when it was given up before.
 */
export async function inTransaction<T>(
  client: PoolClient,
  progress: WorkProgress,
  work: () => Promise<T>,
): Promise<T> {
  if (progress.abandoned) throw new Abandoned();
  let result: T;
  try {
    [, result] = await sentTogether(client, () => Promise.all([client.query(beginWriting), work()]));
    if (progress.abandoned) throw new Abandoned();
  } catch (error) {
    // Where this fails too the connection is gone, and the server undoes what was not committed.
    await client.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
  progress.committing = true;
  const answer = await client.query('COMMIT').catch((error: unknown) => {
    // 23: a constraint that is checked at the end. All else may have come after the commit.
    throw isRaceLost(error) || sqlStateOf(error)?.startsWith('23') ? error : new CommitUnknown(error);
  });
  progress.committing = false;
  // A transaction that had failed before is undone by COMMIT, which calls that a success.
  if (answer.command !== 'COMMIT') throw new Error(`the transaction ended with ${answer.command}`);
  return result;
}

/** Sends what `work` has to send at its beginning in one piece: with eight statements, one call of the system and not nine. */
function sentTogether<T>(client: PoolClient, work: () => Promise<T>): Promise<T> {
  const { stream } = client.connection;
  stream.cork();
  try {
    return work();
  } finally {
    stream.uncork();
  }
}
