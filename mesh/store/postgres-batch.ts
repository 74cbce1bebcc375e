import { formatTraceparent } from '../telemetry/trace-context.js';
import type { PostgresResult, PostgresSession, PostgresValue } from './postgres-session.js';
import { type Batch, StoreConflict } from './store.js';

/** A statement that was sent, and what its answer must be. */
interface Sent {
  readonly answer: Promise<PostgresResult>;
  /** @throws StoreConflict */
  check(result: PostgresResult): void;
}

/**
 * Writes a batch with the statements of one transaction. All are sent at once, in their order, and their answers are looked
 * at in that order: what a guard refuses is undone with what came after it. Each guard locks the row that it has found
 * right, so that it stays right until the commit; another batch that wants the same row waits, and sees it as it is then.
 * @throws StoreConflict when the database is not as the batch expects; the transaction must then be undone.
 */
export async function writeBatch(session: PostgresSession, batch: Batch, nowMs: number): Promise<void> {
  const sent: Sent[] = [];
  const send = (
    sql: string,
    values: readonly PostgresValue[] = [],
    check: Sent['check'] = () => undefined,
  ) => {
    sent.push({ answer: session.run(sql, values), check });
  };
  // Whoever appends to the events waits, and whoever has begun to is waited for.
  if (batch.alone === true) send('LOCK TABLE mesh_events IN SHARE ROW EXCLUSIVE MODE');
  if (batch.inbox !== undefined) writeInbox(send, batch.inbox, nowMs);
  if (batch.command !== undefined) writeCommand(send, batch.command, nowMs);
  for (const stream of batch.streams ?? []) appendEvents(send, stream, nowMs);
  for (const [position, { sql, values = [], changes, guard }] of (batch.statements ?? []).entries()) {
    send(sql, values, (result) => {
      if (changes !== undefined && result.changes !== changes)
        throw new StoreConflict('guard', guard ?? `#${position}`);
    });
  }
  if (batch.answer !== undefined) {
    send('UPDATE mesh_commands SET response = ? WHERE scope = ? AND key = ? AND response IS NULL', [
      batch.answer.response,
      batch.answer.scope,
      batch.answer.key,
    ]);
  }
  writeOutbox(send, batch, nowMs);
  // After one that failed the server refuses the others: the first of them is the one that says why.
  const answers = await Promise.allSettled(sent.map(({ answer }) => answer));
  for (const [position, answer] of answers.entries()) {
    if (answer.status === 'rejected') throw answer.reason;
    sent[position]?.check(answer.value);
  }
}

type Send = (sql: string, values?: readonly PostgresValue[], check?: Sent['check']) => void;

function writeInbox(send: Send, { consumer, messageId }: NonNullable<Batch['inbox']>, nowMs: number): void {
  send(
    'INSERT INTO mesh_inbox (consumer, message_id, handled_at_ms) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
    [consumer, messageId, nowMs],
    ({ changes }) => {
      if (changes !== 1) throw new StoreConflict('inbox', messageId);
    },
  );
}

function writeCommand(send: Send, command: NonNullable<Batch['command']>, nowMs: number): void {
  send(
    'INSERT INTO mesh_commands (scope, key, request_hash, response, reference, stored_at_ms) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING',
    [command.scope, command.key, command.requestHash, command.response, command.reference ?? null, nowMs],
    ({ changes }) => {
      if (changes !== 1) throw new StoreConflict('command', command.key);
    },
  );
}

/** Two who have seen the same version want the same keys: the second waits for the first, and then inserts nothing. */
function appendEvents(
  send: Send,
  { stream, expectedVersion, events }: NonNullable<Batch['streams']>[number],
  nowMs: number,
): void {
  send(
    'SELECT COALESCE(MAX(version), 0) AS version FROM mesh_events WHERE stream = ?',
    [stream],
    ({ rows }) => {
      if (rows[0]?.['version'] !== expectedVersion) throw new StoreConflict('version', stream);
    },
  );
  if (events.length === 0) return;
  send(
    `INSERT INTO mesh_events (stream, version, type, data, recorded_at_ms)
      SELECT ?, ?::bigint + event.position, event.type, event.data, ?
      FROM unnest(?::text[], ?::bytea[]) WITH ORDINALITY AS event (type, data, position)
      ON CONFLICT DO NOTHING`,
    [stream, expectedVersion, nowMs, events.map(({ type }) => type), events.map(({ data }) => data)],
    ({ changes }) => {
      if (changes !== events.length) throw new StoreConflict('version', stream);
    },
  );
}

/**
 * Numbers are given when rows are written, not when they are committed: of two batches at once the later number may be seen
 * first. So a batch holds its messages' keys from before it takes numbers until it is committed, and among messages of
 * one key the order of the numbers is the order of the commits. The locks come first because the numbers are
 * taken for rows of the join; they come in one order, so that no two batches wait for each other.
 */
function writeOutbox(send: Send, { outbox = [], trace }: Batch, nowMs: number): void {
  if (outbox.length === 0) return;
  const keys = [...new Set(outbox.map(({ key }) => key))].sort();
  send(
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
