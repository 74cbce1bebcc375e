import type { SchemaStep } from '../../mesh/store/schema-step.js';
import { postgresSearchTable } from './postgres-search.js';
import { sqliteSearchTable } from './sqlite-search.js';

/** Steps that bring an empty database to today's shape; see Service.schema. */
export const schema: readonly SchemaStep[] = [
  `CREATE TABLE categories (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    position INTEGER NOT NULL UNIQUE
  )`,
  `CREATE TABLE products (
    id TEXT PRIMARY KEY,
    position INTEGER NOT NULL UNIQUE,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    category TEXT NOT NULL REFERENCES categories (id),
    currency_code TEXT NOT NULL,
    price_units BIGINT NOT NULL,
    price_nanos INTEGER NOT NULL,
    weight_grams INTEGER NOT NULL,
    tags TEXT NOT NULL,
    motif TEXT NOT NULL,
    version BIGINT NOT NULL
  )`,
  'CREATE INDEX products_by_category ON products (category, position)',
  // One row for each seed that was planted, so that it is planted once however often the service starts.
  'CREATE TABLE seeds (name TEXT PRIMARY KEY)',
  { sqlite: sqliteSearchTable, postgres: postgresSearchTable },
];
