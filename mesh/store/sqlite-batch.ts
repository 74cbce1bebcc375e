import { formatTraceparent } from '../telemetry/trace-context.js';
import type { SqliteDatabase } from './sqlite-database.js';
import { type Batch, StoreConflict } from './store.js';

/**
 * Writes a batch in one transaction.
 * @throws StoreConflict when the database is not as the batch expects; then nothing was written.
 */
export function writeBatch(database: SqliteDatabase, batch: Batch, nowMs: number): void {
  database.transaction(() => {
    if (batch.inbox !== undefined) writeInbox(database, batch.inbox, nowMs);
    if (batch.command !== undefined) writeCommand(database, batch.command, nowMs);
    for (const stream of batch.streams ?? []) appendEvents(database, stream, nowMs);
    (batch.statements ?? []).forEach(({ sql, values = [], changes, guard }, position) => {
      const result = database.prepare(sql).run(...values);
      if (changes !== undefined && result.changes !== changes)
        throw new StoreConflict('guard', guard ?? `#${position}`);
    });
    if (batch.answer !== undefined) {
      database
        .prepare('UPDATE mesh_commands SET response = ? WHERE scope = ? AND key = ? AND response IS NULL')
        .run(batch.answer.response, batch.answer.scope, batch.answer.key);
    }
    const traceparent = batch.trace === undefined ? null : formatTraceparent(batch.trace);
    for (const message of batch.outbox ?? []) {
      database
        .prepare(
          'INSERT INTO mesh_outbox (type, key, data, occurred_at_ms, traceparent) VALUES (?, ?, ?, ?, ?)',
        )
        .run(message.type, message.key, message.data, nowMs, traceparent);
    }
  });
}

function writeInbox(database: SqliteDatabase, inbox: NonNullable<Batch['inbox']>, nowMs: number): void {
  const { changes } = database
    .prepare(
      'INSERT INTO mesh_inbox (consumer, message_id, handled_at_ms) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
    )
    .run(inbox.consumer, inbox.messageId, nowMs);
  if (changes !== 1) throw new StoreConflict('inbox', inbox.messageId);
}

function writeCommand(database: SqliteDatabase, command: NonNullable<Batch['command']>, nowMs: number): void {
  const { changes } = database
    .prepare(
      'INSERT INTO mesh_commands (scope, key, request_hash, response, reference, stored_at_ms) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING',
    )
    .run(command.scope, command.key, command.requestHash, command.response, command.reference ?? null, nowMs);
  if (changes !== 1) throw new StoreConflict('command', command.key);
}

function appendEvents(
  database: SqliteDatabase,
  append: NonNullable<Batch['streams']>[number],
  nowMs: number,
): void {
  const { stream, expectedVersion, events } = append;
  const row = database
    .prepare('SELECT COALESCE(MAX(version), 0) AS version FROM mesh_events WHERE stream = ?')
    .get(stream);
  if (Number(row?.['version'] ?? 0) !== expectedVersion) throw new StoreConflict('version', stream);
  const insert = database.prepare(
    'INSERT INTO mesh_events (stream, version, type, data, recorded_at_ms) VALUES (?, ?, ?, ?, ?)',
  );
  for (const [index, event] of events.entries()) {
    insert.run(stream, expectedVersion + index + 1, event.type, event.data, nowMs);
  }
}
