import { StartupError } from '../runtime/startup-error.js';
import { runtimeTables } from './runtime-tables.js';
import { type SchemaStep, stepChanged, stepsFor } from './schema-step.js';
import type { SqliteDatabase } from './sqlite-database.js';

/**
 * Brings a database to today's shape: the runtime's tables, then each step of the service's schema once, in order.
 * @throws StartupError when a step that was applied before has another text now, or the file is damaged.
 */
export function applySchema(database: SqliteDatabase, schema: readonly SchemaStep[], path: string): void {
  try {
    applySteps(database, schema, path);
  } catch (cause) {
    if (cause instanceof StartupError) throw cause;
    throw new StartupError(
      `the database ${path} can't be brought to its shape (${(cause as Error).message})`,
      'restore it from a copy, or move it away to begin with an empty one',
      { cause },
    );
  }
}

function applySteps(database: SqliteDatabase, schema: readonly SchemaStep[], path: string): void {
  database.transaction(() => {
    for (const table of runtimeTables) database.exec(table);
    const applied = database.prepare('SELECT position, hash FROM mesh_schema_steps ORDER BY position').all();
    stepsFor('sqlite', schema).forEach(({ sql: step, hash }, position) => {
      const before = applied[position];
      if (before === undefined) {
        database.exec(step);
        database.prepare('INSERT INTO mesh_schema_steps (position, hash) VALUES (?, ?)').run(position, hash);
      } else if (before['hash'] !== hash) {
        throw stepChanged(position, path);
      }
    });
  });
}
