import { MeshError } from '../contract/error.js';
import type { Clock, Log, Timers } from '../runtime/ports.js';
import type { Metrics } from '../telemetry/metrics.js';
import type { TraceContext } from '../telemetry/trace-context.js';
import type { Tracer } from '../telemetry/tracer.js';
import { observedWork } from './observed-work.js';
import { writeBatch } from './postgres-batch.js';
import { postgresCalls } from './postgres-calls.js';
import { CommitUnknown, ruleBrokenIn } from './postgres-errors.js';
import { firstWork } from './postgres-open.js';
import { openPostgresPool, type PostgresAccess } from './postgres-pool.js';
import { applyPostgresSchema } from './postgres-schema.js';
import type { SchemaStep } from './schema-step.js';
import type { Row, Statement, Store } from './store.js';
import { storageRefused } from './store-errors.js';
import { commandAnswer, pendingMessage, recordedEvent } from './stored-rows.js';

/** What a store is opened with. */
export interface PostgresStoreOptions {
  /** A database of the service's own, where no other has a table. */
  readonly access: PostgresAccess;
  /** The service whose store it is: part of message ids, and named in messages. */
  readonly service: string;
  /** The service's own tables; see Service.schema. */
  readonly schema: readonly SchemaStep[];
  readonly clock: Clock;
  readonly timers: Timers;
  /** Told when the server goes away, and when it is back. */
  readonly log?: Log | undefined;
  /** Spans for queries and commits that belong to a trace. */
  readonly tracer?: Tracer | undefined;
  /** Told how long each operation took. */
  readonly metrics?: Pick<Metrics, 'observeDatabase'> | undefined;
  /** How long the opening waits for the server and the database, in milliseconds. Default 20000. */
  readonly openWithinMs?: number;
  /** How long bringing it to its shape may take after that, in milliseconds. Default 60000. */
  readonly shapeWithinMs?: number;
  /** How long an operation may take, in milliseconds. Default 900: within any deadline. */
  readonly withinMs?: number;
}

/**
 * A store in a database of PostgreSQL, shared by the instances of the service: each commit waits for the disk.
 *
 * The outbox wakes listeners of this process alone. What another instance has committed is published by that instance; when
 * it dies, the relays of the others find it at their next sweep. NOTIFY would tell at once, but every commit that
 * does it waits for all others that do.
 * @throws StartupError when the database can't be reached in time, or a released step of the schema was changed.
 */
export async function openPostgresStore(options: PostgresStoreOptions): Promise<Store> {
  const { service, clock, timers, log, access, withinMs = 900 } = options;
  const pool = openPostgresPool(access, {
    statementWithinMs: withinMs,
    // Longer than anybody waits: what is connected too late for one serves the next.
    connectWithinMs: withinMs * 1.5,
    writesOnlyInTransactions: true,
  });
  const name = `the database ${access.database} of ${service} at ${access.address.host}:${access.address.port}`;
  try {
    const { openWithinMs = 20_000, shapeWithinMs: workWithinMs = 60_000 } = options;
    const patience = { openWithinMs, workWithinMs, beingMade: true, clock, timers };
    await firstWork(pool, name, patience, (client) => applyPostgresSchema(client, options.schema, name));
  } catch (error) {
    await pool.end();
    throw error;
  }
  const calls = postgresCalls({ pool, clock, timers, log, withinMs });
  const listeners = new Set<() => void>();
  const observed = observedWork({
    service,
    system: 'postgresql',
    clock,
    tracer: options.tracer,
    metrics: options.metrics,
    failure: (cause) => storageFailure(service, cause),
  });

  const readRows = (operation: string, trace: TraceContext | undefined, { sql, values = [] }: Statement) =>
    observed(operation, trace, () => calls.read(async (session) => (await session.run(sql, values)).rows));

  return {
    dialect: 'postgres',

    query: async <T extends Row = Row>(statement: Statement, trace?: TraceContext) =>
      (await readRows('query', trace, statement)) as T[],

    readStream: async (stream, afterVersion = 0, trace) => {
      const rows = await readRows('read stream', trace, {
        sql: 'SELECT version, type, data, recorded_at_ms FROM mesh_events WHERE stream = ? AND version > ? ORDER BY version',
        values: [stream, afterVersion],
      });
      return rows.map(recordedEvent);
    },

    findCommand: async (command, trace) => {
      const [row] = await readRows('find command', trace, {
        sql: 'SELECT request_hash, response, reference FROM mesh_commands WHERE scope = ? AND key = ?',
        values: [command.scope, command.key],
      });
      return row === undefined ? undefined : commandAnswer(command, row);
    },

    inboxHas: async (consumer, messageId) => {
      const rows = await readRows('inbox', undefined, {
        sql: 'SELECT 1 FROM mesh_inbox WHERE consumer = ? AND message_id = ?',
        values: [consumer, messageId],
      });
      return rows.length > 0;
    },

    commit: async (batch) => {
      const nowMs = clock.nowMs();
      const wrote = (batch.outbox?.length ?? 0) > 0;
      try {
        await observed('commit', batch.trace, () =>
          calls.write((session) => writeBatch(session, batch, nowMs)),
        );
      } catch (error) {
        // It may be there after all: whoever relays had better look.
        if (wrote && (error as Error).cause instanceof CommitUnknown)
          for (const listener of listeners) listener();
        throw error;
      }
      if (wrote) for (const listener of listeners) listener();
    },

    unpublished: async (limit) => {
      const rows = await readRows('unpublished', undefined, {
        sql: 'SELECT * FROM mesh_outbox ORDER BY sequence LIMIT ?',
        values: [limit],
      });
      return rows.map((row) => pendingMessage(service, row));
    },

    markPublished: async (sequences) => {
      if (sequences.length === 0) return;
      await observed('mark published', undefined, () =>
        calls.write((session) =>
          session.run('DELETE FROM mesh_outbox WHERE sequence = ANY(?::bigint[])', [sequences]),
        ),
      );
    },

    onOutbox: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },

    probe: async () => {
      await observed('probe', undefined, () =>
        calls.write((session) =>
          session.run(
            'INSERT INTO mesh_probe (id, at_ms) VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET at_ms = excluded.at_ms',
            [clock.nowMs()],
          ),
        ),
      );
    },

    close: () => pool.end(),
  };
}

function storageFailure(service: string, cause: unknown): MeshError {
  const rule = ruleBrokenIn(cause);
  if (rule !== undefined) return storageRefused(service, rule, cause);
  const outcome =
    cause instanceof CommitUnknown ? 'it is not known whether anything was changed' : 'nothing was changed';
  return new MeshError({
    code: 'UNAVAILABLE',
    reason: 'STORAGE_UNAVAILABLE',
    message: `the database of ${service} can't be used now: ${outcome}, try again`,
    cause,
  });
}
