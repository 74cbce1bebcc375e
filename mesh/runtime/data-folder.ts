import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { DatabaseSync } from '@photostructure/sqlite';
import { StartupError } from './startup-error.js';

/** What a running mesh writes down about itself, so that `meshmart status` and `down` find it. */
export interface RunRecord {
  readonly pid: number;
  readonly shape: string;
  readonly startedAt: string;
  readonly httpUrl: string;
  readonly grpcAddress: string;
  readonly adminUrl: string;
  /** Where the services' stores are, when they are no files here: the URL of a PostgreSQL. */
  readonly postgresUrl?: string | undefined;
}

/** Paths in a data folder. */
export interface DataFiles {
  readonly path: string;
  /** A path inside, whose folder exists. */
  file(...parts: string[]): string;
}

/** The folder that holds everything one mesh keeps: databases, secrets, logs, witnesses' files. */
export interface DataFolder extends DataFiles {
  writeRun(record: RunRecord): void;
  /** Gives the folder free for another mesh. */
  release(): void;
}

/**
 * Opens the folder, makes it when missing, and holds it until released; kill -9 releases it too.
 * The hold is an exclusive transaction on `lock.db`, because the system ends it with the process and Node has no flock.
 * @throws StartupError when it can't be written or another mesh holds it.
 */
export function openDataFolder(folder: string): DataFolder {
  const files = openDataFiles(folder);
  const { path } = files;
  const lock = hold(path);
  // Of a mesh that was killed: its process id may be somebody else's by now.
  rmSync(join(path, 'run.json'), { force: true });
  return {
    ...files,
    writeRun: (record) => {
      const draft = join(path, 'run.json.new');
      writeFileSync(draft, `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600 });
      renameSync(draft, join(path, 'run.json'));
    },
    release: () => {
      rmSync(join(path, 'run.json'), { force: true });
      lock.close();
    },
  };
}

/**
 * Opens the folder without holding it: for an instance whose supervisor holds it already.
 * @throws StartupError when it can't be written.
 */
export function openDataFiles(folder: string): DataFiles {
  const path = resolve(folder);
  openFolder('the data folder', path);
  return {
    path,
    file: (...parts) => {
      const file = join(path, ...parts);
      openFolder('the folder', dirname(file));
      return file;
    },
  };
}

/** Makes a folder when it is missing. @throws StartupError when it can't be read and written. */
function openFolder(what: string, path: string): void {
  try {
    makeFolder(path);
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (cause) {
    throw new StartupError(
      `${what} ${path} can't be used (${(cause as NodeJS.ErrnoException).code ?? 'unknown error'})`,
      'make it a folder that you can read and write, or name another in MESHMART_DATA',
      { cause },
    );
  }
}

/**
 * Makes a folder and those above it, for their owner alone. Not by `recursive`: where the system answers that there is no
 * such place although the folder above is there, as below /proc, Node 20 tries again for ever.
 */
function makeFolder(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST' && statSync(path).isDirectory()) return;
    if (code !== 'ENOENT' || existsSync(dirname(path))) throw error;
    makeFolder(dirname(path));
    mkdirSync(path, { mode: 0o700 });
  }
}

function hold(path: string): { close(): void } {
  const file = join(path, 'lock.db');
  try {
    return take(file);
  } catch (cause) {
    if (!isBusy(cause)) {
      throw new StartupError(
        `${file} can't be opened`,
        'delete this file, or name another folder in MESHMART_DATA',
        { cause },
      );
    }
    const other = readRun(path);
    throw new StartupError(
      `another mesh holds the data folder ${path}${other === undefined ? '' : ` (process ${other.pid})`}`,
      'stop it with meshmart down, or name another folder in MESHMART_DATA',
      { cause },
    );
  }
}

function take(file: string): { close(): void } {
  const lock = new DatabaseSync(file);
  try {
    lock.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
    return lock;
  } catch (error) {
    lock.close();
    throw error;
  }
}

function isBusy(error: unknown): boolean {
  return /locked|busy/i.test(String(error));
}

/** Whether a mesh holds the folder now: one that runs, starts or stops. */
export function isHeld(folder: string): boolean {
  const file = join(resolve(folder), 'lock.db');
  if (!existsSync(file)) return false;
  try {
    take(file).close();
    return false;
  } catch (error) {
    return isBusy(error);
  }
}

/** The record of the mesh that runs, or ran and was killed, on this folder. */
export function readRun(folder: string): RunRecord | undefined {
  try {
    const record: unknown = JSON.parse(readFileSync(join(resolve(folder), 'run.json'), 'utf8'));
    const isRecord = typeof record === 'object' && record !== null && 'pid' in record;
    return isRecord ? (record as RunRecord) : undefined;
  } catch {
    return undefined;
  }
}
