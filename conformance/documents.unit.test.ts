import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { expect } from 'chai';
import { packageRoot } from '../mesh/runtime/package-root.js';

const root = packageRoot();

function pages(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (['node_modules', 'dist', '.git'].includes(entry.name)) return [];
    if (entry.isDirectory()) return pages(path);
    return path.endsWith('.md') ? [path] : [];
  });
}

/** What a page names as a path of this project: links, and code spans that begin with one of its folders. */
function pathsIn(page: string): string[] {
  const text = readFileSync(join(root, page), 'utf8').replace(/```[\s\S]*?```/g, '');
  const links = [...text.matchAll(/\]\(([^)#\s]+)(#[^)]*)?\)/g)]
    .map((match) => match[1] as string)
    .filter((link) => !/^[a-z]+:/.test(link))
    .map((link) => normalize(join(dirname(page), link)));
  const folders = 'proto|services|mesh|labs|conformance|web|istio|helm|docs|witnesses|build|deploy';
  const spans = [...text.matchAll(new RegExp(`\`((?:${folders})/[\\w./-]*)\``, 'g'))].map(
    (match) => match[1] as string,
  );
  return [...links, ...spans];
}

describe('the documents', () => {
  for (const page of pages('.')) {
    it(`${page} names only paths that are there`, () => {
      const missing = pathsIn(page).filter((path) => !existsSync(join(root, path)));
      expect(missing).to.deep.equal([]);
    });
  }
});
