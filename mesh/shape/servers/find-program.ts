import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/**
 * Finds a program on a search path.
 * @param names the first that is found wins.
 * @param path as in PATH.
 */
export function findProgram(names: readonly string[], path: string | undefined): string | undefined {
  for (const name of names) {
    for (const folder of (path ?? '').split(delimiter)) {
      const file = join(folder, name);
      try {
        if (folder === '' || !statSync(file).isFile()) continue;
        accessSync(file, constants.X_OK);
        return file;
      } catch {
        // Not here.
      }
    }
  }
  return undefined;
}
