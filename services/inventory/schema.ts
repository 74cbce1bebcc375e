/** Steps that bring an empty database to today's shape; see Service.schema. */
export const schema: readonly string[] = [
  // The checks are the last line of defence: the guards of each write keep to them already.
  `CREATE TABLE stock (
    product_id TEXT PRIMARY KEY,
    available BIGINT NOT NULL CHECK (available >= 0),
    reserved BIGINT NOT NULL CHECK (reserved >= 0),
    committed BIGINT NOT NULL CHECK (committed >= 0)
  )`,
  `CREATE TABLE reservations (
    order_id TEXT PRIMARY KEY,
    id TEXT NOT NULL,
    state TEXT NOT NULL,
    expires_at_ms BIGINT NOT NULL,
    version INTEGER NOT NULL
  )`,
  'CREATE INDEX reservations_by_expiry ON reservations (state, expires_at_ms)',
  `CREATE TABLE reservation_lines (
    order_id TEXT NOT NULL REFERENCES reservations (order_id),
    product_id TEXT NOT NULL,
    quantity BIGINT NOT NULL,
    PRIMARY KEY (order_id, product_id)
  )`,
  // One row for each seed that was planted, so that it is planted once however often the service starts.
  'CREATE TABLE seeds (name TEXT PRIMARY KEY)',
];
