import type { SearchIndex } from './search-index.js';
import type { SearchWord } from './search-words.js';

/** The table of {@link sqliteSearchIndex}, for the schema. Accents don't count; prefixes of two and three have an index. */
export const sqliteSearchTable = `CREATE VIRTUAL TABLE product_search USING fts5(
  id UNINDEXED, name, tags, description, tokenize = 'unicode61 remove_diacritics 2', prefix = '2 3'
)`;

/** Weights of the columns id, name, tags, description in bm25 (https://sqlite.org/fts5.html#the_bm25_function). */
const columnWeights = '0.0, 10.0, 4.0, 1.0';

/** Search by SQLite's FTS5. */
export const sqliteSearchIndex: SearchIndex = {
  add: ({ id, name, tags, description }) => ({
    sql: 'INSERT INTO product_search (id, name, tags, description) VALUES (?, ?, ?, ?)',
    values: [id, name, tags.join(' '), description],
  }),
  find: (words, limit, offset) => ({
    sql: `SELECT id FROM product_search WHERE product_search MATCH ?
      ORDER BY bm25(product_search, ${columnWeights}), id LIMIT ? OFFSET ?`,
    values: [matchExpression(words), limit, offset],
  }),
  count: (words) => ({
    sql: 'SELECT COUNT(*) AS total FROM product_search WHERE product_search MATCH ?',
    values: [matchExpression(words)],
  }),
};

/**
 * An FTS5 expression: each word quoted, so that AND, NEAR, `*` and `:` in a query are words or nothing.
 * `("lamps"* OR "lamp"*)` for an unfinished word, joined by AND.
 */
export function matchExpression(words: readonly SearchWord[]): string {
  return words
    .map(({ forms, unfinished }) => {
      const quoted = forms.map((form) => `"${form.replaceAll('"', '""')}"${unfinished ? '*' : ''}`);
      return `(${quoted.join(' OR ')})`;
    })
    .join(' AND ');
}
