/** The tables of the cart service. A released step never changes. */
export const schema: readonly string[] = [
  `CREATE TABLE carts (
    owner TEXT PRIMARY KEY,
    version BIGINT NOT NULL,
    touched_at_ms BIGINT NOT NULL
  )`,
  `CREATE TABLE cart_lines (
    owner TEXT NOT NULL REFERENCES carts (owner) ON DELETE CASCADE,
    product_id TEXT NOT NULL,
    position BIGINT NOT NULL,
    product_name TEXT NOT NULL,
    quantity BIGINT NOT NULL,
    unit_price BLOB NOT NULL,
    PRIMARY KEY (owner, product_id)
  )`,
];
