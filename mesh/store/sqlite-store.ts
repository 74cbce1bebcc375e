import { MeshError } from '../contract/error.js';
import type { Clock, Timers } from '../runtime/ports.js';
import type { Metrics } from '../telemetry/metrics.js';
import type { TraceContext } from '../telemetry/trace-context.js';
import type { Tracer } from '../telemetry/tracer.js';
import { SyncFailed } from './commit-sync.js';
import { observedWork } from './observed-work.js';
import type { SchemaStep } from './schema-step.js';
import { writeBatch } from './sqlite-batch.js';
import { openSqliteDatabase, type SqliteDatabaseOptions } from './sqlite-database.js';
import { ruleBrokenIn } from './sqlite-errors.js';
import { createSqliteGate, type SqliteGate } from './sqlite-gate.js';
import { applySchema } from './sqlite-schema.js';
import type { Row, Statement, Store } from './store.js';
import { storageRefused } from './store-errors.js';
import { commandAnswer, pendingMessage, recordedEvent } from './stored-rows.js';

/** What a store is opened with. */
export interface SqliteStoreOptions extends SqliteDatabaseOptions {
  /** File of the database, or `:memory:` for a test. */
  readonly path: string;
  /** The service whose store it is: part of message ids, and named in messages. */
  readonly service: string;
  /** The service's own tables; see Service.schema. */
  readonly schema: readonly SchemaStep[];
  readonly clock: Clock;
  /** With them writes wait up to half a second for another process that holds the file; without, they fail at once. */
  readonly timers?: Pick<Timers, 'sleep'>;
  /** Spans for queries and commits that belong to a trace. */
  readonly tracer?: Tracer;
  /** Told how long each operation took. */
  readonly metrics?: Pick<Metrics, 'observeDatabase'>;
}

/**
 * A store in one SQLite file: write-ahead log, every commit synced to disk before it resolves. With `openLog` commits
 * that come together share their sync.
 * @throws StartupError when the file can't be opened, or a released step of the schema was changed.
 */
export function openSqliteStore(options: SqliteStoreOptions): Store {
  const { service, clock, tracer, metrics } = options;
  const database = openSqliteDatabase(options.path, options);
  try {
    applySchema(database, options.schema, options.path);
  } catch (error) {
    database.close();
    throw error;
  }
  const listeners = new Set<() => void>();
  const gate: SqliteGate =
    options.timers === undefined ? async (write) => write() : createSqliteGate(database, options.timers);

  const observed = observedWork({
    service,
    system: 'sqlite',
    clock,
    tracer,
    metrics,
    failure: (cause) => storageFailure(service, cause),
  });
  /** What the work found, or ran into, when that is on the disk: nobody may act on what power can still take away. */
  const settled = async <T>(work: () => T | Promise<T>): Promise<T> => {
    try {
      return await work();
    } finally {
      const pending = database.settled();
      if (pending !== undefined) await pending;
    }
  };
  const run: typeof observed = (operation, trace, work) => observed(operation, trace, () => settled(work));

  return {
    dialect: 'sqlite',

    query: async <T extends Row = Row>(statement: Statement, trace?: TraceContext) =>
      run('query', trace, () => database.prepare(statement.sql).all(...(statement.values ?? [])) as T[]),

    readStream: async (stream, afterVersion = 0, trace) =>
      run('read stream', trace, () =>
        database
          .prepare(
            'SELECT version, type, data, recorded_at_ms FROM mesh_events WHERE stream = ? AND version > ? ORDER BY version',
          )
          .all(stream, afterVersion)
          .map(recordedEvent),
      ),

    findCommand: async (command, trace) =>
      run('find command', trace, () => {
        const row = database
          .prepare('SELECT * FROM mesh_commands WHERE scope = ? AND key = ?')
          .get(command.scope, command.key);
        return row === undefined ? undefined : commandAnswer(command, row);
      }),

    inboxHas: async (consumer, messageId) =>
      run(
        'inbox',
        undefined,
        () =>
          database
            .prepare('SELECT 1 FROM mesh_inbox WHERE consumer = ? AND message_id = ?')
            .get(consumer, messageId) !== undefined,
      ),

    commit: async (batch) => {
      await run('commit', batch.trace, () => gate(() => writeBatch(database, batch, clock.nowMs())));
      if ((batch.outbox?.length ?? 0) > 0) for (const listener of listeners) listener();
    },

    unpublished: async (limit) =>
      run('unpublished', undefined, () =>
        database
          .prepare('SELECT * FROM mesh_outbox ORDER BY sequence LIMIT ?')
          .all(limit)
          .map((row) => pendingMessage(service, row)),
      ),

    markPublished: async (sequences) => {
      await run('mark published', undefined, () =>
        gate(() =>
          database.transaction(() => {
            const remove = database.prepare('DELETE FROM mesh_outbox WHERE sequence = ?');
            for (const sequence of sequences) remove.run(sequence);
          }),
        ),
      );
    },

    onOutbox: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },

    probe: async () => {
      await run('probe', undefined, () =>
        gate(() => {
          database
            .prepare(
              'INSERT INTO mesh_probe (id, at_ms) VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET at_ms = excluded.at_ms',
            )
            .run(clock.nowMs());
        }),
      );
    },

    close: async () => database.close(),
  };
}

function storageFailure(service: string, cause: unknown): MeshError {
  const rule = ruleBrokenIn(cause);
  if (rule !== undefined) return storageRefused(service, rule, cause);
  const changed =
    cause instanceof SyncFailed ? 'it is not known whether anything was changed' : 'nothing was changed';
  return new MeshError({
    code: 'UNAVAILABLE',
    reason: 'STORAGE_UNAVAILABLE',
    message: `the database of ${service} can't be used now: ${changed}, try again`,
    cause,
  });
}
