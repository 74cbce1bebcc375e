/** The tables of the users service. A released step never changes. */
export const schema: readonly string[] = [
  `CREATE TABLE users (
    id TEXT PRIMARY KEY,
    email TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    created_at_ms BIGINT NOT NULL
  )`,
  `CREATE TABLE addresses (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id),
    address BLOB NOT NULL,
    position BIGINT NOT NULL,
    UNIQUE (user_id, position)
  )`,
];
