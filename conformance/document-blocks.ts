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
