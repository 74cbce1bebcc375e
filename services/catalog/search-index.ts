import type { Dialect, GuardedStatement, Statement } from '../../mesh/store/store.js';
import { postgresSearchIndex } from './postgres-search.js';
import type { SearchWord } from './search-words.js';
import { sqliteSearchIndex } from './sqlite-search.js';

/** What is searched of a product. */
export interface SearchableProduct {
  readonly id: string;
  readonly name: string;
  readonly tags: readonly string[];
  readonly description: string;
}

/**
 * Full-text search as statements for the store, because each database has its own: the rest of the service knows only
 * this interface. Case and accents don't count.
 */
export interface SearchIndex {
  /** Adds a product that is not in the index. */
  add(product: SearchableProduct): GuardedStatement;
  /**
   * Ids (column `id`) of the products that hold all words, best match first: a hit in the name counts more than one in
   * the tags, and that more than one in the description; equals are ordered by id.
   */
  find(words: readonly SearchWord[], limit: number, offset: number): Statement;
  /** How many products (column `total`) hold all words. */
  count(words: readonly SearchWord[]): Statement;
}

/** The search of each kind of store. */
export const searchIndexes: Readonly<Record<Dialect, SearchIndex>> = {
  sqlite: sqliteSearchIndex,
  postgres: postgresSearchIndex,
};
