import type { Store } from './store.js';

const dayMs = 24 * 60 * 60 * 1_000;

/** How long a store remembers what it has done. */
export interface Retention {
  /** How long answers to commands can be repeated, in milliseconds. Default 7 days. */
  readonly commandsMs?: number;
  /** How long a message is known as handled, in milliseconds: longer than a bus may deliver it again. Default 30 days. */
  readonly inboxMs?: number;
}

/**
 * Deletes answered commands and inbox rows that are older than the retention, and documents that have expired. Commands
 * without an answer stay, however old.
 * @param nowMs milliseconds since the epoch.
 */
export function purge(store: Store, nowMs: number, retention: Retention = {}): Promise<void> {
  const { commandsMs = 7 * dayMs, inboxMs = 30 * dayMs } = retention;
  return store.commit({
    statements: [
      {
        sql: 'DELETE FROM mesh_commands WHERE stored_at_ms < ? AND response IS NOT NULL',
        values: [nowMs - commandsMs],
      },
      { sql: 'DELETE FROM mesh_inbox WHERE handled_at_ms < ?', values: [nowMs - inboxMs] },
      { sql: 'DELETE FROM mesh_documents WHERE expires_at_ms <= ?', values: [nowMs] },
    ],
  });
}
