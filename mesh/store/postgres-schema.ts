import { StartupError } from '../runtime/startup-error.js';
import { isConnectionLost, isRaceLost } from './postgres-errors.js';
import { beginWriting, type PoolClient } from './postgres-pool.js';
import { withPostgresTypes } from './postgres-sql.js';
import { postgresTables } from './postgres-tables.js';
import { type SchemaStep, stepChanged, stepsFor } from './schema-step.js';

/** Held while the schema is looked at and changed: instances that start together do it one after the other. */
const schemaLock = 7_346_001;
/** Longest time that a step may take, in milliseconds: one may rewrite a table. */
const stepWithinMs = 60_000;

/**
 * Brings a database to today's shape: the runtime's tables, then each step of the service's schema once, in order. All of
 * it in one transaction.
 * @param database how messages name it.
 * @throws StartupError when a step that was applied before has another text now, or one can't be applied; what the server
 * says when another instance was in the way: then all of it may be tried again.
 */
export async function applyPostgresSchema(
  client: PoolClient,
  schema: readonly SchemaStep[],
  database: string,
): Promise<void> {
  await client.query(beginWriting);
  try {
    await client.query(
      `SET LOCAL statement_timeout = ${stepWithinMs}; SET LOCAL idle_in_transaction_session_timeout = ${stepWithinMs};
       SELECT pg_advisory_xact_lock(${schemaLock})`,
    );
    for (const table of postgresTables) await client.query(table);
    const { rows } = await client.query<{ hash: string }>(
      'SELECT hash FROM mesh_schema_steps ORDER BY position',
    );
    for (const [position, { sql, hash }] of stepsFor('postgres', schema).entries()) {
      const before = rows[position];
      if (before === undefined) await applyStep(client, { position, sql, hash }, database);
      else if (before.hash !== hash) throw stepChanged(position, database);
    }
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined);
    if (error instanceof StartupError || isConnectionLost(error) || isRaceLost(error)) throw error;
    throw new StartupError(
      `${database} can't be brought to its shape (${(error as Error).message})`,
      'see that its role owns it and that its disk has room, or restore it from a copy',
      { cause: error },
    );
  }
}

async function applyStep(
  client: PoolClient,
  step: { readonly position: number; readonly sql: string; readonly hash: string },
  database: string,
): Promise<void> {
  try {
    await client.query(withPostgresTypes(step.sql));
  } catch (cause) {
    if (isRaceLost(cause)) throw cause;
    throw new StartupError(
      `step ${step.position + 1} of the schema can't be applied to ${database} (${(cause as Error).message})`,
      'correct the step if it was never released, or restore the database from a copy',
      { cause },
    );
  }
  await client.query('INSERT INTO mesh_schema_steps (position, hash) VALUES ($1, $2)', [
    step.position,
    step.hash,
  ]);
}
