import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * The folder that holds `package.json`, `proto/` and `services/`: the data files that are read at run time.
 * The same for sources (`mesh/runtime/`) and for what is built from them (`dist/mesh/runtime/`).
 */
export function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) {
    const parent = dirname(folder);
    if (parent === folder)
      throw new Error('package.json was not found above mesh/runtime: reinstall meshmart');
    folder = parent;
  }
  return folder;
}
