import { closeSync, fdatasync, openSync } from 'node:fs';
import type { LogFile } from './commit-sync.js';

/**
 * The file of a database's write-ahead log, synced outside the thread. SQLite puts no locks on this file, so that closing it
 * here takes none away from it.
 * @param path of the log, which is there.
 */
export function openLogFile(path: string): LogFile {
  const file = openSync(path, 'r+');
  return {
    sync: () =>
      new Promise((resolve, reject) => {
        fdatasync(file, (error) => (error === null ? resolve() : reject(error)));
      }),
    close: () => closeSync(file),
  };
}
