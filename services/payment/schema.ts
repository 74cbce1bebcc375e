/** The tables of the payment service. A released step never changes. */
export const schema: readonly string[] = [
  `CREATE TABLE cards (
    token TEXT PRIMARY KEY,
    user_id TEXT NOT NULL,
    sealed BLOB NOT NULL,
    brand TEXT NOT NULL,
    last4 TEXT NOT NULL,
    expiry_month BIGINT NOT NULL,
    expiry_year BIGINT NOT NULL
  )`,
  `CREATE TABLE payments (
    order_id TEXT PRIMARY KEY,
    id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    state TEXT NOT NULL,
    amount BLOB,
    token TEXT NOT NULL,
    brand TEXT NOT NULL,
    last4 TEXT NOT NULL,
    authorization_id TEXT NOT NULL,
    decline_reason TEXT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    updated_at_ms BIGINT NOT NULL,
    version BIGINT NOT NULL
  )`,
  `CREATE TABLE ledger (
    entry TEXT PRIMARY KEY,
    payment_id TEXT NOT NULL,
    account TEXT NOT NULL,
    currency TEXT NOT NULL,
    nanos BIGINT NOT NULL,
    at_ms BIGINT NOT NULL
  )`,
  "ALTER TABLE payments ADD COLUMN asked_for TEXT NOT NULL DEFAULT ''",
  'ALTER TABLE payments ADD COLUMN asked_until_ms BIGINT NOT NULL DEFAULT 0',
  'ALTER TABLE payments ADD COLUMN check_at_ms BIGINT NOT NULL DEFAULT 0',
];
