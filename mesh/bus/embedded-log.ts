import type { SqliteDatabase } from '../store/sqlite-database.js';
import type { Row } from '../store/store.js';
import type { BusMessage, DeadLetter } from './bus.js';

/** A message with its place in the log. */
export interface LoggedMessage {
  readonly position: number;
  readonly message: BusMessage;
}

/** The durable half of the embedded bus: a log of messages, and how far each group has come. */
export interface EmbeddedLog {
  append(messages: readonly BusMessage[]): void;
  /** Messages of the group's topics after a position that it has not acknowledged, oldest first. */
  read(group: string, afterPosition: number, limit: number): LoggedMessage[];
  /** Marks messages as handled by a group. */
  acknowledge(group: string, positions: readonly number[]): void;
  /** Marks a message as given up. */
  bury(group: string, logged: LoggedMessage, letter: Omit<DeadLetter, 'group' | 'message'>): void;
  deadLetters(group: string, limit: number): (DeadLetter & { readonly position: number })[];
  /** Makes a dead letter deliverable again; undefined when there is none. */
  revive(group: string, messageId: string): LoggedMessage | undefined;
  /** Notes that a group wants these topics and no others: their messages are kept until it has handled them. */
  register(group: string, topics: readonly string[]): void;
  lag(group: string): number;
  /** Deletes what every registered group has handled. */
  prune(): void;
}

const tables = `
  CREATE TABLE IF NOT EXISTS messages (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    topic TEXT NOT NULL,
    type TEXT NOT NULL,
    key TEXT NOT NULL,
    data BLOB NOT NULL,
    occurred_at_ms INTEGER NOT NULL,
    traceparent TEXT
  );
  CREATE INDEX IF NOT EXISTS messages_by_topic ON messages (topic, position);
  CREATE TABLE IF NOT EXISTS groups (group_name TEXT NOT NULL, topic TEXT NOT NULL, PRIMARY KEY (group_name, topic)) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS acknowledged (group_name TEXT NOT NULL, position INTEGER NOT NULL, PRIMARY KEY (group_name, position)) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS dead_letters (
    group_name TEXT NOT NULL,
    position INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    last_error TEXT NOT NULL,
    failed_at_ms INTEGER NOT NULL,
    PRIMARY KEY (group_name, position)
  ) WITHOUT ROWID;
`;

/** A log in a SQLite database of its own. A message published twice under one id is kept once. */
export function createEmbeddedLog(database: SqliteDatabase): EmbeddedLog {
  database.exec(tables);
  const open = `
    FROM messages AS m JOIN groups AS g ON g.topic = m.topic
    WHERE g.group_name = ?1
      AND NOT EXISTS (SELECT 1 FROM acknowledged AS a WHERE a.group_name = ?1 AND a.position = m.position)
      AND NOT EXISTS (SELECT 1 FROM dead_letters AS d WHERE d.group_name = ?1 AND d.position = m.position)`;
  return {
    append: (messages) => {
      const insert = database.prepare(
        'INSERT INTO messages (id, topic, type, key, data, occurred_at_ms, traceparent) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING',
      );
      database.transaction(() => {
        for (const m of messages)
          insert.run(m.id, m.topic, m.type, m.key, m.data, m.occurredAtMs, m.traceparent ?? null);
      });
    },
    read: (group, afterPosition, limit) =>
      database
        .prepare(`SELECT m.* ${open} AND m.position > ?2 ORDER BY m.position LIMIT ?3`)
        .all(group, afterPosition, limit)
        .map(loggedOf),
    acknowledge: (group, positions) => {
      const insert = database.prepare(
        'INSERT INTO acknowledged (group_name, position) VALUES (?, ?) ON CONFLICT DO NOTHING',
      );
      database.transaction(() => {
        for (const position of positions) insert.run(group, position);
      });
    },
    bury: (group, { position }, letter) => {
      database
        .prepare(
          'INSERT INTO dead_letters (group_name, position, attempts, last_error, failed_at_ms) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING',
        )
        .run(group, position, letter.attempts, letter.lastError, letter.failedAtMs);
    },
    deadLetters: (group, limit) =>
      database
        .prepare(
          'SELECT m.*, d.attempts, d.last_error, d.failed_at_ms FROM dead_letters AS d JOIN messages AS m ON m.position = d.position WHERE d.group_name = ? ORDER BY d.position LIMIT ?',
        )
        .all(group, limit)
        .map((row) => ({
          group,
          ...loggedOf(row),
          attempts: Number(row['attempts']),
          lastError: String(row['last_error']),
          failedAtMs: Number(row['failed_at_ms']),
        })),
    revive: (group, messageId) => {
      const row = database
        .prepare(
          'SELECT m.* FROM dead_letters AS d JOIN messages AS m ON m.position = d.position WHERE d.group_name = ? AND m.id = ?',
        )
        .get(group, messageId);
      if (row === undefined) return undefined;
      const logged = loggedOf(row);
      database
        .prepare('DELETE FROM dead_letters WHERE group_name = ? AND position = ?')
        .run(group, logged.position);
      return logged;
    },
    register: (group, topics) => {
      database.transaction(() => {
        database.prepare('DELETE FROM groups WHERE group_name = ?').run(group);
        for (const topic of topics)
          database
            .prepare('INSERT INTO groups (group_name, topic) VALUES (?, ?) ON CONFLICT DO NOTHING')
            .run(group, topic);
      });
    },
    lag: (group) => Number(database.prepare(`SELECT COUNT(*) AS lag ${open}`).get(group)?.['lag'] ?? 0),
    prune: () => {
      database.transaction(() => {
        database.exec(`
          DELETE FROM messages WHERE NOT EXISTS (
            SELECT 1 FROM groups AS g WHERE g.topic = messages.topic
              AND NOT EXISTS (SELECT 1 FROM acknowledged AS a WHERE a.group_name = g.group_name AND a.position = messages.position)
          );
          DELETE FROM acknowledged WHERE NOT EXISTS (SELECT 1 FROM messages AS m WHERE m.position = acknowledged.position);
        `);
      });
    },
  };
}

function loggedOf(row: Row): LoggedMessage {
  return {
    position: Number(row['position']),
    message: {
      id: String(row['id']),
      topic: String(row['topic']),
      type: String(row['type']),
      key: String(row['key']),
      data: row['data'] as Uint8Array,
      occurredAtMs: Number(row['occurred_at_ms']),
      traceparent: (row['traceparent'] as string | null) ?? undefined,
    },
  };
}
