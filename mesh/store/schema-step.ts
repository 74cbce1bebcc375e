import { createHash } from 'node:crypto';
import { StartupError } from '../runtime/startup-error.js';
import type { Dialect } from './store.js';

/** One step of a schema: SQL that every database takes, or each database's own. A released step never changes. */
export type SchemaStep = string | Readonly<Record<Dialect, string>>;

/** The steps of a schema for one database, each with the hash by which it is known again. */
export function stepsFor(
  dialect: Dialect,
  schema: readonly SchemaStep[],
): readonly { readonly sql: string; readonly hash: string }[] {
  return schema.map((step) => {
    const sql = typeof step === 'string' ? step : step[dialect];
    return { sql, hash: createHash('sha256').update(sql).digest('hex') };
  });
}

/** A step that was applied to a database has another text now. @param position from 0. */
export function stepChanged(position: number, database: string): StartupError {
  return new StartupError(
    `step ${position + 1} of the schema was changed since ${database} was made`,
    'leave released steps as they are and add a new one',
  );
}
