import type { CommandKey } from '../rpc/context.js';
import type { CommandAnswer, PendingMessage, RecordedEvent, Row } from './store.js';
import { keyReused } from './store-errors.js';

/** A row of `mesh_events` as the event that it is. */
export function recordedEvent(row: Row): RecordedEvent {
  return {
    version: Number(row['version']),
    type: String(row['type']),
    data: row['data'] as Uint8Array,
    recordedAtMs: Number(row['recorded_at_ms']),
  };
}

/**
 * A row of `mesh_commands` as the answer to this command.
 * @throws MeshError ALREADY_EXISTS (IDEMPOTENCY_KEY_REUSED) when it is that of another request.
 */
export function commandAnswer(command: CommandKey, row: Row): CommandAnswer {
  if (Buffer.compare(row['request_hash'] as Uint8Array, command.requestHash) !== 0)
    throw keyReused(command.key);
  const reference = row['reference'] as string | null;
  return {
    ...command,
    response: row['response'] as Uint8Array | null,
    ...(reference === null ? {} : { reference }),
  };
}

/** A row of `mesh_outbox` of this service as the message that it is. */
export function pendingMessage(service: string, row: Row): PendingMessage {
  return {
    sequence: BigInt(row['sequence'] as number),
    // The time tells apart two messages with one number, if the database was ever restored from a copy.
    messageId: `${service}-${row['sequence']}-${Number(row['occurred_at_ms']).toString(36)}`,
    type: String(row['type']),
    key: String(row['key']),
    data: row['data'] as Uint8Array,
    occurredAtMs: Number(row['occurred_at_ms']),
    traceparent: (row['traceparent'] as string | null) ?? undefined,
  };
}
