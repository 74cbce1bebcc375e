import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../mesh/runtime/package-root.js';

/** A fenced block of a page. */
export interface DocumentBlock {
  /** What its fence says: `sh`, `yaml`. */
  readonly language: string;
  /** The comment before it, `<!-- run: install -->`; empty where there is none. */
  readonly mark: string;
  readonly text: string;
}

/** The fenced blocks of a page of this project, in order. */
export function blocksOf(page: string): DocumentBlock[] {
  const text = readFileSync(join(packageRoot(), page), 'utf8');
  const fenced = /(?:<!-- ([^>]*) -->\n)?```(\w*)\n([\s\S]*?)```/g;
  return [...text.matchAll(fenced)].map(([, mark = '', language = '', lines = '']) => ({
    language,
    mark,
    text: lines,
  }));
}

/** The text of the block of a page that has this mark. @throws Error when there is none. */
export function blockOf(page: string, mark: string): string {
  const block = blocksOf(page).find((one) => one.mark === mark);
  if (block === undefined) throw new Error(`${page} has no block '${mark}'`);
  return block.text;
}
