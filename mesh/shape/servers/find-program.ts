import { accessSync, constants } from 'node:fs';
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
        if (folder !== '') accessSync(file, constants.X_OK);
        if (folder !== '') return file;
      } catch {
        // Not here.
      }
    }
  }
  return undefined;
}
