import type { SearchIndex } from './search-index.js';
import type { SearchWord } from './search-words.js';

/** The table of {@link postgresSearchIndex}, for the schema. */
export const postgresSearchTable = `CREATE TABLE product_search (id TEXT PRIMARY KEY, words TSVECTOR NOT NULL);
  CREATE INDEX product_search_by_word ON product_search USING GIN (words)`;

/**
 * Weights of the classes D, C, B, A in ts_rank (https://www.postgresql.org/docs/current/textsearch-controls.html): nothing is
 * in D, the description is in C, the tags in B, the name in A; in the ratio of the weights in SQLite.
 */
const classWeights = "'{0, 0.1, 0.4, 1}'";

/** Positions beyond this are not told apart in a tsvector. */
const lastPosition = 16_383;

/**
 * Search by PostgreSQL's tsvector. The words are made here, not by the server's parser: that keeps hyphenated words, addresses
 * and numbers together, and depends on its locale.
 */
export const postgresSearchIndex: SearchIndex = {
  add: ({ id, name, tags, description }) => ({
    sql: 'INSERT INTO product_search (id, words) VALUES (?, CAST(? AS tsvector))',
    values: [id, vectorOf([name, 'A'], [tags.join(' '), 'B'], [description, 'C'])],
  }),
  find: (words, limit, offset) => ({
    sql: `SELECT id FROM product_search WHERE words @@ CAST(? AS tsquery)
      ORDER BY ts_rank(${classWeights}, words, CAST(? AS tsquery)) DESC, id LIMIT ? OFFSET ?`,
    values: [queryOf(words), queryOf(words), limit, offset],
  }),
  count: (words) => ({
    sql: 'SELECT COUNT(*) AS total FROM product_search WHERE words @@ CAST(? AS tsquery)',
    values: [queryOf(words)],
  }),
};

/** The words of texts with the class of each: `'desk':1A 'lamp':2A`. */
export function vectorOf(...texts: readonly (readonly [string, 'A' | 'B' | 'C'])[]): string {
  const words = texts.flatMap(([text, weight]) => folded(text).map((word) => [word, weight] as const));
  return words
    .map(([word, weight], index) => `${quoted(word)}:${Math.min(index + 1, lastPosition)}${weight}`)
    .join(' ');
}

/** `('lamps':* | 'lamp':*)` for an unfinished word, joined by `&`. */
export function queryOf(words: readonly SearchWord[]): string {
  return words
    .map(({ forms, unfinished }) => {
      const any = forms.flatMap(folded).map((form) => `${quoted(form)}${unfinished ? ':*' : ''}`);
      return `(${any.join(' | ')})`;
    })
    .join(' & ');
}

/** The words of a text, in small letters and without their accents. */
function folded(text: string): string[] {
  const plain = text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();
  return plain.match(/[\p{L}\p{N}]+/gu) ?? [];
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", "''")}'`;
}
