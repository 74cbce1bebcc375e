/** The tables that every store has beside the service's own, one step a table; see the pages of what uses them. */
export const runtimeTables: readonly string[] = [
  `CREATE TABLE IF NOT EXISTS mesh_schema_steps (
    position INTEGER PRIMARY KEY,
    hash TEXT NOT NULL
  )`,
  `CREATE TABLE IF NOT EXISTS mesh_events (
    stream TEXT NOT NULL,
    version INTEGER NOT NULL,
    type TEXT NOT NULL,
    data BLOB NOT NULL,
    recorded_at_ms INTEGER NOT NULL,
    PRIMARY KEY (stream, version)
  ) WITHOUT ROWID`,
  `CREATE TABLE IF NOT EXISTS mesh_outbox (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    type TEXT NOT NULL,
    key TEXT NOT NULL,
    data BLOB NOT NULL,
    occurred_at_ms INTEGER NOT NULL,
    traceparent TEXT
  )`,
  `CREATE TABLE IF NOT EXISTS mesh_inbox (
    consumer TEXT NOT NULL,
    message_id TEXT NOT NULL,
    handled_at_ms INTEGER NOT NULL,
    PRIMARY KEY (consumer, message_id)
  ) WITHOUT ROWID`,
  `CREATE TABLE IF NOT EXISTS mesh_commands (
    scope TEXT NOT NULL,
    key TEXT NOT NULL,
    request_hash BLOB NOT NULL,
    response BLOB,
    reference TEXT,
    stored_at_ms INTEGER NOT NULL,
    PRIMARY KEY (scope, key)
  ) WITHOUT ROWID`,
  `CREATE TABLE IF NOT EXISTS mesh_documents (
    key TEXT PRIMARY KEY,
    version INTEGER NOT NULL,
    data BLOB NOT NULL,
    expires_at_ms INTEGER
  ) WITHOUT ROWID`,
  `CREATE TABLE IF NOT EXISTS mesh_leases (
    name TEXT PRIMARY KEY,
    holder TEXT NOT NULL,
    expires_at_ms INTEGER NOT NULL
  ) WITHOUT ROWID`,
  `CREATE TABLE IF NOT EXISTS mesh_probe (id INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL)`,
];
