import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** A folder for one test. */
export interface TemporaryFolder {
  /** Absolute path; readable by this user only. */
  readonly path: string;
  /** Writes a text file at a relative path, with the folders above it; returns its absolute path. */
  write(relativePath: string, text: string): string;
  /** Deletes the folder and all that is in it; a second time does nothing. */
  remove(): void;
}

/** Makes an empty folder below the system's folder for temporary files. The caller removes it. */
export function temporaryFolder(): TemporaryFolder {
  const path = mkdtempSync(join(tmpdir(), 'meshmart-'));
  return {
    path,
    write: (relativePath, text) => {
      const file = join(path, relativePath);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
      return file;
    },
    remove: () => rmSync(path, { recursive: true, force: true, maxRetries: 3 }),
  };
}
