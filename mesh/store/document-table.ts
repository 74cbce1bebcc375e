import type { Clock } from '../runtime/ports.js';
import { type DocumentChange, type Documents, requireSound } from './documents.js';
import { type GuardedStatement, type Store, StoreConflict } from './store.js';

const guardPrefix = 'document ';

/**
 * Documents in a service's own database, in the table `mesh_documents`. What has expired is not seen any more, and
 * `purge` deletes it.
 */
export function documentsInStore(store: Store, clock: Pick<Clock, 'nowMs'>): Documents {
  return {
    load: async (key, trace) => {
      const [row] = await store.query<{ version: number; data: Uint8Array }>(
        {
          sql: 'SELECT version, data FROM mesh_documents WHERE key = ? AND (expires_at_ms IS NULL OR expires_at_ms > ?)',
          values: [key, clock.nowMs()],
        },
        trace,
      );
      return row === undefined ? undefined : { version: Number(row.version), data: row.data };
    },
    findCommand: (command, trace) => store.findCommand(command, trace),
    inboxHas: (consumer, messageId) => store.inboxHas(consumer, messageId),
    commit: async (batch) => {
      requireSound(batch);
      const { changes, ...rest } = batch;
      const nowMs = clock.nowMs();
      try {
        await store.commit({ ...rest, statements: changes.map((change) => statementOf(change, nowMs)) });
      } catch (error) {
        if (error instanceof StoreConflict && error.kind === 'guard' && error.subject.startsWith(guardPrefix))
          throw new StoreConflict('version', error.subject.slice(guardPrefix.length));
        throw error;
      }
    },
    probe: () => store.probe(),
  };
}

function statementOf(change: DocumentChange, nowMs: number): GuardedStatement {
  const { key, expectedVersion, data, expiresAfterMs } = change;
  const guard = { changes: 1, guard: `${guardPrefix}${key}` };
  const expiresAtMs = expiresAfterMs === undefined ? null : nowMs + expiresAfterMs;
  if (data === null) {
    return {
      sql: 'DELETE FROM mesh_documents WHERE key = ? AND version = ? AND (expires_at_ms IS NULL OR expires_at_ms > ?)',
      values: [key, expectedVersion, nowMs],
      ...guard,
    };
  }
  if (expectedVersion === 0) {
    // One that has expired counts as absent, although its row may still be there.
    return {
      sql: `INSERT INTO mesh_documents (key, version, data, expires_at_ms) VALUES (?, 1, ?, ?)
        ON CONFLICT (key) DO UPDATE SET version = 1, data = excluded.data, expires_at_ms = excluded.expires_at_ms
        WHERE mesh_documents.expires_at_ms <= ?`,
      values: [key, data, expiresAtMs, nowMs],
      ...guard,
    };
  }
  return {
    sql: `UPDATE mesh_documents SET version = version + 1, data = ?, expires_at_ms = ?
      WHERE key = ? AND version = ? AND (expires_at_ms IS NULL OR expires_at_ms > ?)`,
    values: [data, expiresAtMs, key, expectedVersion, nowMs],
    ...guard,
  };
}
