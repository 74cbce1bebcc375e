/** Steps that bring an empty database to today's shape; see Service.schema. */
export const schema: readonly string[] = [
  // Each pair is there twice, once from each side, so that a product's companions are one range of the index.
  `CREATE TABLE bought_together (
    product_id TEXT NOT NULL,
    other_id TEXT NOT NULL,
    orders BIGINT NOT NULL,
    PRIMARY KEY (product_id, other_id)
  )`,
  'CREATE INDEX bought_together_by_count ON bought_together (product_id, orders DESC, other_id)',
];
