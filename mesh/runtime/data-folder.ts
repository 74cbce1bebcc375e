import { accessSync, constants, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
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
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (cause) {
    throw new StartupError(
      `the data folder ${path} can't be used (${(cause as NodeJS.ErrnoException).code ?? 'unknown error'})`,
      'make it a folder that you can read and write, or name another in MESHMART_DATA',
      { cause },
    );
  }
  return {
    path,
    file: (...parts) => {
      const file = join(path, ...parts);
      mkdirSync(join(file, '..'), { recursive: true, mode: 0o700 });
      return file;
    },
  };
}

function hold(path: string): { close(): void } {
  const file = join(path, 'lock.db');
  try {
    const lock = new DatabaseSync(file);
    lock.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
    return lock;
  } catch (cause) {
    if (!/locked|busy/i.test(String(cause))) {
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
