import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { StartupError } from '../runtime/startup-error.js';

/**
 * Writes a file that its owner alone can read, whole or not at all: a crash in the middle leaves what was there before.
 * @throws StartupError when it can't be written.
 */
export function writePrivateFile(path: string, text: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    const draft = `${path}.new`;
    const file = openSync(draft, 'w', 0o600);
    try {
      writeSync(file, text);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(draft, path);
  } catch (cause) {
    throw new StartupError(`${path} can't be written (${codeOf(cause)})`, 'make its folder writable', {
      cause,
    });
  }
}

/**
 * Reads such a file; undefined when there is none.
 * @throws StartupError when it can't be read, or others can read it too.
 */
export function readPrivateFile(path: string): string | undefined {
  let text: string;
  let mode: number;
  try {
    text = readFileSync(path, 'utf8');
    ({ mode } = statSync(path));
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') return undefined;
    throw new StartupError(
      `${path} can't be read (${codeOf(cause)})`,
      'make it readable by the user who runs the shop',
      { cause },
    );
  }
  if (process.platform !== 'win32' && (mode & 0o077) !== 0)
    throw new StartupError(`${path} can be read by others`, `run chmod 600 ${path}`);
  return text;
}

function codeOf(cause: unknown): string {
  return (cause as NodeJS.ErrnoException).code ?? 'unknown error';
}
