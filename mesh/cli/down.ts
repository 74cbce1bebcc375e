import { resolve } from 'node:path';
import { isHeld, type RunRecord, readRun } from '../runtime/data-folder.js';
import { StartupError } from '../runtime/startup-error.js';
import { endLeftoverServers } from '../shape/servers/start-servers.js';
import type { Command } from './command.js';
import { dataFolderOf, dataOption } from './data-option.js';

/** `meshmart down`: asks the mesh on a data folder to stop, and waits until it has. */
export const down: Command = {
  name: 'down',
  summary: 'Stop the running mesh: finish what is in flight, then end.',
  usage: '[OPTIONS]',
  options: {
    data: dataOption,
    wait: {
      type: 'string',
      value: 'SECONDS',
      about: 'How long to wait before it is ended by force. Default 15.',
    },
  },
  examples: ['meshmart down', 'meshmart down --data /tmp/shop --wait 5'],
  run: async (args, terminal) => {
    const folder = dataFolderOf(args, terminal);
    const waitSeconds = Number(args.values['wait'] ?? 15);
    if (!(waitSeconds >= 0 && waitSeconds <= 600)) {
      throw new StartupError(`--wait is '${String(args.values['wait'])}'`, 'give seconds from 0 to 600');
    }
    const run = await runOn(folder, waitSeconds * 1_000);
    if (run === undefined) {
      // A supervisor that was killed could not end its servers.
      await endLeftoverServers(resolve(folder));
      terminal.out(`nothing runs on ${folder}\n`);
      return 0;
    }
    process.kill(run.pid, 'SIGTERM');
    if (await ended(run.pid, waitSeconds * 1_000)) {
      terminal.out('stopped\n');
      return 0;
    }
    process.kill(run.pid, 'SIGKILL');
    terminal.err(
      `process ${run.pid} did not stop within ${waitSeconds} s and was ended by force; nothing acknowledged is lost\n`,
    );
    return (await ended(run.pid, 2_000)) ? 0 : 1;
  },
};

/**
 * The mesh that holds a folder; one that still starts is awaited. A record without a hold is of a mesh that was killed, and
 * its process id may be somebody else's by now.
 * @throws StartupError when a mesh is still not ready at the bound.
 */
async function runOn(folder: string, withinMs: number): Promise<RunRecord | undefined> {
  const until = performance.now() + withinMs;
  while (isHeld(folder)) {
    const run = readRun(folder);
    if (run !== undefined && isAlive(run.pid)) return run;
    if (performance.now() > until) {
      throw new StartupError(
        `a mesh on ${folder} is still starting`,
        'press Ctrl-C where it starts, or wait for longer with --wait',
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return undefined;
}

/** Whether a process with this id exists. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function ended(pid: number, withinMs: number): Promise<boolean> {
  const until = performance.now() + withinMs;
  while (isAlive(pid)) {
    if (performance.now() > until) return false;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return true;
}
