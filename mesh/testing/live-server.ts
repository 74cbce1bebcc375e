import type { ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram } from '../shape/servers/find-program.js';
import { makeFolders, writeOwn } from '../shape/servers/server-folder.js';
import type { ServerKind, ServerPlace } from '../shape/servers/server-kind.js';
import { spawnServer } from '../shape/servers/spawn-server.js';
import { eventually } from './eventually.js';
import { freePort } from './free-port.js';
import { temporaryFolder } from './temporary-folder.js';

/** A real server for a test, with the settings of the shop. */
export interface LiveServer {
  readonly url: string;
  /** kill -9; resolves when it is gone. */
  kill(): Promise<void>;
  /** Starts it again on the same data. */
  start(): Promise<void>;
  /** Ends it and deletes its data. */
  end(): Promise<void>;
}

/** Starts a server at free ports. @throws Error with the ways to get it when it is not on PATH. */
export async function startLiveServer(
  kind: ServerKind,
  { redisUsers }: Pick<ServerPlace, 'redisUsers'> = {},
): Promise<LiveServer> {
  const program = findProgram(kind.programs, process.env['PATH']);
  if (program === undefined) throw new Error(`${kind.name} is not on PATH: ${kind.ways}`);
  const folder = temporaryFolder();
  const ports = new Map<string, number>();
  for (const { variable } of kind.ports) ports.set(variable, await freePort());
  const launch = kind.launch({
    folder: folder.path,
    data: join(folder.path, 'data'),
    port: (variable) => ports.get(variable) ?? 0,
    platform: process.platform,
    environment: {},
    redisUsers,
  });
  makeFolders(folder.path, undefined);
  for (const [file, text] of Object.entries(launch.files)) writeOwn(join(folder.path, file), text, undefined);
  const logFile = join(folder.path, `${kind.name}.log`);
  let child: ChildProcess | undefined;
  const ended = () => child === undefined || child.exitCode !== null || child.signalCode !== null;
  const start = async () => {
    const output = openSync(logFile, 'a', 0o600);
    child = spawnServer(program, launch, folder.path, output);
    closeSync(output);
    child.once('error', () => undefined);
    await eventually(() => ended() || kind.ready(launch.url, AbortSignal.timeout(1_000)), {
      withinMs: 90_000,
      everyMs: 50,
      what: `${kind.name} to be ready`,
    });
    if (ended()) throw new Error(`${kind.name} ended: ${readFileSync(logFile, 'utf8').slice(-2_000)}`);
  };
  const kill = async () => {
    const gone = child;
    if (gone === undefined || ended()) return;
    await new Promise((resolve) => {
      gone.once('exit', resolve);
      gone.kill('SIGKILL');
    });
  };
  await start();
  return {
    url: launch.url,
    kill,
    start,
    end: async () => {
      await kill();
      folder.remove();
    },
  };
}
