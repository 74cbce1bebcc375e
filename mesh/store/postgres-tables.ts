/**
 * The tables of {@link import('./runtime-tables.js').runtimeTables} in PostgreSQL, with the same columns. The outbox and
 * the leases are written and deleted all the time: they are cleaned up by the number of dead rows, not by their share.
 */
export const postgresTables: readonly string[] = [
  `CREATE TABLE IF NOT EXISTS mesh_schema_steps (
    position BIGINT PRIMARY KEY,
    hash TEXT NOT NULL
  )`,
  `CREATE TABLE IF NOT EXISTS mesh_events (
    stream TEXT NOT NULL,
    version BIGINT NOT NULL,
    type TEXT NOT NULL,
    data BYTEA NOT NULL,
    recorded_at_ms BIGINT NOT NULL,
    PRIMARY KEY (stream, version)
  )`,
  `CREATE TABLE IF NOT EXISTS mesh_outbox (
    sequence BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    type TEXT NOT NULL,
    key TEXT NOT NULL,
    data BYTEA NOT NULL,
    occurred_at_ms BIGINT NOT NULL,
    traceparent TEXT
  ) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000)`,
  `CREATE TABLE IF NOT EXISTS mesh_inbox (
    consumer TEXT NOT NULL,
    message_id TEXT NOT NULL,
    handled_at_ms BIGINT NOT NULL,
    PRIMARY KEY (consumer, message_id)
  )`,
  `CREATE TABLE IF NOT EXISTS mesh_commands (
    scope TEXT NOT NULL,
    key TEXT NOT NULL,
    request_hash BYTEA NOT NULL,
    response BYTEA,
    reference TEXT,
    stored_at_ms BIGINT NOT NULL,
    PRIMARY KEY (scope, key)
  )`,
  `CREATE TABLE IF NOT EXISTS mesh_documents (
    key TEXT PRIMARY KEY,
    version BIGINT NOT NULL,
    data BYTEA NOT NULL,
    expires_at_ms BIGINT
  )`,
  `CREATE TABLE IF NOT EXISTS mesh_leases (
    name TEXT PRIMARY KEY,
    holder TEXT NOT NULL,
    expires_at_ms BIGINT NOT NULL
  ) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000)`,
  'CREATE TABLE IF NOT EXISTS mesh_probe (id BIGINT PRIMARY KEY, at_ms BIGINT NOT NULL)',
];
