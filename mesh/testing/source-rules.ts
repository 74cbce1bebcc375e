import { contractRules } from './source-contracts.js';
import { diallingRules } from './source-dialling.js';
import { globalRules } from './source-globals.js';
import { importRules } from './source-imports.js';
import { readSourceTree, type SourceTree, textBelow, type Violation } from './source-tree.js';

/**
 * Checks the sources below a root against the rules that keep the services movable: they touch the world through their
 * ports only, know each other by contract only, and say in their manifests whom they call. Works on what is there.
 * @returns what breaks a rule, by file and line; empty when all is well.
 */
export function checkSources(root: string): Violation[] {
  const tree = readSourceTree(root);
  return [
    ...folderRules(tree),
    ...importRules(tree),
    ...globalRules(tree),
    ...contractRules(tree),
    ...diallingRules(tree),
  ].sort((one, other) => one.file.localeCompare(other.file) || one.line - other.line);
}

/** Each folder of a service has the same three pages to begin with, and all code is in a form that the rules read. */
function folderRules(tree: SourceTree): Violation[] {
  const unread = tree.unread.map((file) => ({
    rule: 'folder',
    file,
    line: 1,
    message: 'code is written in .ts files: no rule reads this one',
  }));
  const missing = tree.services.flatMap((service) =>
    ['service.yaml', 'service.ts', 'README.md'].flatMap((page) => {
      const file = `services/${service}/${page}`;
      if (textBelow(tree.root, file) !== undefined) return [];
      return [{ rule: 'folder', file, line: 1, message: `service ${service} has no ${page}` }];
    }),
  );
  return [...unread, ...missing];
}
