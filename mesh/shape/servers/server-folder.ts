import { chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RunAs } from './server-kind.js';

/** Makes a server's folder and its folder for data, its own where it runs as another user. */
export function makeFolders(folder: string, runAs: RunAs | undefined): void {
  const data = join(folder, 'data');
  mkdirSync(data, { recursive: true, mode: 0o700 });
  for (const path of [folder, data]) own(path, runAs);
}

/** Writes a file that only the server's own user reads. */
export function writeOwn(path: string, text: string, runAs: RunAs | undefined): void {
  writeFileSync(path, text, { mode: 0o600 });
  own(path, runAs);
}

function own(path: string, runAs: RunAs | undefined): void {
  if (runAs !== undefined) chownSync(path, runAs.uid, runAs.gid);
}
