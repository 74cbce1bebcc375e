import { closeSync, fdatasync, fsyncSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import type { LogFile } from './commit-sync.js';

/**
 * The file of a database's write-ahead log, synced outside the thread. SQLite puts no locks on this file, so that closing it
 * here takes none away from it.
 * @param path of the log, which is there.
 */
export function openLogFile(path: string): LogFile {
  const file = openSync(path, 'r+');
  // The log's name in its folder must survive as well. SQLite sees to it at its own first sync, which would come too late.
  const folder = openSync(dirname(path), 'r');
  fsyncSync(folder);
  closeSync(folder);
  return {
    sync: () =>
      new Promise((resolve, reject) => {
        fdatasync(file, (error) => (error === null ? resolve() : reject(error)));
      }),
    close: () => closeSync(file),
  };
}
