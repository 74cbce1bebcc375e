import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { machineAmbient } from '../runtime/ambient.js';
import { findProgram } from '../shape/servers/find-program.js';
import { postgresSettings, postgres as serverKind, superuserPassword } from '../shape/servers/postgres.js';
import { letThrough, runAsOf } from '../shape/servers/run-as.js';
import { makeFolders, writeOwn } from '../shape/servers/server-folder.js';
import { postgresAddressOf, postgresNameOf } from '../store/postgres-address.js';
import type { PostgresAccess } from '../store/postgres-pool.js';
import { provisionPostgres } from '../store/postgres-provision.js';
import { eventually } from './eventually.js';
import { freePort } from './free-port.js';
import { temporaryFolder } from './temporary-folder.js';

/** A real PostgreSQL for a test, with the settings of the shop. */
export interface TestPostgres {
  readonly url: string;
  readonly pid: () => number;
  /** A file with the superuser's password. */
  readonly passwordFile: string;
  /** The superuser's way in. */
  readonly superuser: PostgresAccess;
  /** Makes the database of a service, as a shop does, and gives its way in. */
  database(service: string): Promise<PostgresAccess>;
  /** kill -9; resolves when it is gone, and with it the processes that served its connections. */
  kill(): Promise<void>;
  /** Starts it again on the same data. */
  start(): Promise<void>;
  /** Ends it and deletes its data. */
  end(): Promise<void>;
}

const password = 'test-password';
const ambient = machineAmbient();

/** Starts a PostgreSQL at a free port. @throws Error when its programs are not there. */
export async function startTestPostgres(): Promise<TestPostgres> {
  const folder = temporaryFolder();
  const port = await freePort();
  const secrets = join(folder.path, 'secrets');
  const path = [process.env['PATH'], ...(serverKind.folders?.() ?? [])].join(delimiter);
  const [program, initdb] = ['postgres', 'initdb'].map((name) => findProgram([name], path));
  if (program === undefined || initdb === undefined) throw new Error('postgres and initdb are not on PATH');
  const runAs = runAsOf(serverKind);
  if (runAs !== undefined) letThrough(folder.path, runAs, serverKind);
  const place = join(folder.path, 'postgres');
  const data = join(place, 'data');
  makeFolders(place, runAs);
  mkdirSync(secrets, { mode: 0o700 });
  await serverKind.prepare?.({ data, helpers: { initdb }, runAs, secrets });
  writeOwn(join(place, 'postgresql.conf'), postgresSettings(port, process.platform), runAs);
  const { args, url } = serverKind.launch({
    folder: place,
    data,
    port: () => port,
    platform: process.platform,
    environment: {},
  });
  let child: ChildProcess;

  const start = async () => {
    child = spawn(program, args, { stdio: 'ignore', cwd: place, ...runAs });
    await eventually(
      () => {
        // Processes of the one that was killed may still be ending: they keep the next from starting.
        if (child.exitCode !== null) child = spawn(program, args, { stdio: 'ignore', cwd: place, ...runAs });
        return serverKind.ready(url, AbortSignal.timeout(500));
      },
      { withinMs: 20_000, everyMs: 50 },
    );
  };
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGCONT');
    child.kill(signal);
    await gone;
  };
  await start();
  const address = postgresAddressOf(url);
  return {
    url,
    passwordFile: folder.write('password', superuserPassword(secrets)),
    pid: () => child.pid ?? 0,
    superuser: {
      address,
      user: 'postgres',
      database: 'postgres',
      password: () => superuserPassword(secrets),
      name: 'test',
    },
    database: async (service) => {
      await provisionPostgres({
        address,
        password: () => superuserPassword(secrets),
        services: { [service]: password },
        ambient,
      });
      const name = postgresNameOf(service);
      return { address, user: name, database: name, password: () => password, name: 'test' };
    },
    kill: async () => {
      // They outlive it until they notice, and answer meanwhile.
      const serving = new Set(processes().flatMap(({ pid, parent }) => (parent === child.pid ? [pid] : [])));
      await end('SIGKILL');
      await eventually(() => processes().every(({ pid, ended }) => ended || !serving.has(pid)), {
        withinMs: 10_000,
        what: 'the processes of PostgreSQL to end',
      });
    },
    start,
    end: async () => {
      await end('SIGQUIT');
      folder.remove();
    },
  };
}

/** All processes of the machine. */
function processes(): { readonly pid: number; readonly parent: number; readonly ended: boolean }[] {
  const lines = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,stat='], { encoding: 'utf8' }).trim().split('\n');
  return lines.map((line) => {
    const [pid, parent, state = ''] = line.trim().split(/\s+/);
    return { pid: Number(pid), parent: Number(parent), ended: state.startsWith('Z') };
  });
}
