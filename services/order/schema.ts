/** The projection of the order streams. A released step never changes. */
export const schema: readonly string[] = [
  `CREATE TABLE orders (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL,
    version BIGINT NOT NULL,
    final BIGINT NOT NULL,
    snapshot BLOB NOT NULL,
    updated_at_ms BIGINT NOT NULL
  )`,
  'CREATE INDEX orders_by_user ON orders (user_id, id)',
  'CREATE INDEX orders_unfinished ON orders (updated_at_ms) WHERE final = 0',
];
