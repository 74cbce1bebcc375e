import { formatTraceparent } from '../telemetry/trace-context.js';
import type { PostgresSession } from './postgres-session.js';
import { type Batch, StoreConflict } from './store.js';

/**
 * Writes a batch with the statements of one transaction. Each guard locks the row that it has found right, so that it stays
 * right until the commit; another batch that wants the same row waits, and sees it as it is then.
 * @throws StoreConflict when the database is not as the batch expects; the transaction must then be undone.
 */
export async function writeBatch(session: PostgresSession, batch: Batch, nowMs: number): Promise<void> {
  // Whoever appends to the events waits, and whoever has begun to is waited for.
  if (batch.alone === true) await session.run('LOCK TABLE mesh_events IN SHARE ROW EXCLUSIVE MODE');
  if (batch.inbox !== undefined) await writeInbox(session, batch.inbox, nowMs);
  if (batch.command !== undefined) await writeCommand(session, batch.command, nowMs);
  for (const stream of batch.streams ?? []) await appendEvents(session, stream, nowMs);
  for (const [position, { sql, values = [], changes, guard }] of (batch.statements ?? []).entries()) {
    const result = await session.run(sql, values);
    if (changes !== undefined && result.changes !== changes)
      throw new StoreConflict('guard', guard ?? `#${position}`);
  }
  if (batch.answer !== undefined) {
    await session.run(
      'UPDATE mesh_commands SET response = ? WHERE scope = ? AND key = ? AND response IS NULL',
      [batch.answer.response, batch.answer.scope, batch.answer.key],
    );
  }
  await writeOutbox(session, batch, nowMs);
}

async function writeInbox(
  session: PostgresSession,
  { consumer, messageId }: NonNullable<Batch['inbox']>,
  nowMs: number,
): Promise<void> {
  const { changes } = await session.run(
    'INSERT INTO mesh_inbox (consumer, message_id, handled_at_ms) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
    [consumer, messageId, nowMs],
  );
  if (changes !== 1) throw new StoreConflict('inbox', messageId);
}

async function writeCommand(
  session: PostgresSession,
  command: NonNullable<Batch['command']>,
  nowMs: number,
): Promise<void> {
  const { changes } = await session.run(
    'INSERT INTO mesh_commands (scope, key, request_hash, response, reference, stored_at_ms) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING',
    [command.scope, command.key, command.requestHash, command.response, command.reference ?? null, nowMs],
  );
  if (changes !== 1) throw new StoreConflict('command', command.key);
}

/** Two who have seen the same version want the same keys: the second waits for the first, and then inserts nothing. */
async function appendEvents(
  session: PostgresSession,
  { stream, expectedVersion, events }: NonNullable<Batch['streams']>[number],
  nowMs: number,
): Promise<void> {
  const { rows } = await session.run(
    'SELECT COALESCE(MAX(version), 0) AS version FROM mesh_events WHERE stream = ?',
    [stream],
  );
  if (rows[0]?.['version'] !== expectedVersion) throw new StoreConflict('version', stream);
  if (events.length === 0) return;
  const { changes } = await session.run(
    `INSERT INTO mesh_events (stream, version, type, data, recorded_at_ms)
      SELECT ?, ?::bigint + event.position, event.type, event.data, ?
      FROM unnest(?::text[], ?::bytea[]) WITH ORDINALITY AS event (type, data, position)
      ON CONFLICT DO NOTHING`,
    [stream, expectedVersion, nowMs, events.map(({ type }) => type), events.map(({ data }) => data)],
  );
  if (changes !== events.length) throw new StoreConflict('version', stream);
}

/**
 * Numbers are given when rows are written, not when they are committed: of two batches at once the later number may be seen
 * first. So a batch holds its messages' keys from before it takes numbers until it is committed, and among messages of
 * one key the order of the numbers is the order of the commits. The locks come first because the numbers are
 * taken for rows of the join; they come in one order, so that no two batches wait for each other.
 */
async function writeOutbox(session: PostgresSession, { outbox = [], trace }: Batch, nowMs: number) {
  if (outbox.length === 0) return;
  const keys = [...new Set(outbox.map(({ key }) => key))].sort();
  await session.run(
    `WITH held AS MATERIALIZED (
        SELECT pg_advisory_xact_lock(hashtextextended(key, 0)) FROM unnest(?::text[]) AS wanted (key)
      )
      INSERT INTO mesh_outbox (type, key, data, occurred_at_ms, traceparent)
      SELECT message.type, message.key, message.data, ?, ?
      FROM (SELECT COUNT(*) AS count FROM held) AS all_held
      CROSS JOIN unnest(?::text[], ?::text[], ?::bytea[]) WITH ORDINALITY AS message (type, key, data, position)
      ORDER BY message.position`,
    [
      keys,
      nowMs,
      trace === undefined ? null : formatTraceparent(trace),
      outbox.map(({ type }) => type),
      outbox.map(({ key }) => key),
      outbox.map(({ data }) => data),
    ],
  );
}
