/** The tables of the shipping service. A released step never changes. */
export const schema: readonly string[] = [
  `CREATE TABLE shipments (
    id TEXT PRIMARY KEY,
    order_id TEXT NOT NULL UNIQUE,
    user_id TEXT NOT NULL,
    option_id TEXT NOT NULL,
    carrier TEXT NOT NULL,
    tracking_number TEXT NOT NULL,
    weight_grams BIGINT NOT NULL,
    address BLOB NOT NULL,
    created_at_ms BIGINT NOT NULL,
    cancelled_at_ms BIGINT
  )`,
];
