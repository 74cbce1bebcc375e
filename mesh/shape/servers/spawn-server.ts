import { type ChildProcess, spawn } from 'node:child_process';
import type { RunAs, ServerLaunch } from './server-kind.js';

/**
 * Starts a server in a process group of its own: Ctrl-C is for the supervisor, which ends the servers last. When it ends,
 * what its script has left in that group ends too.
 * @param output a file descriptor for what it says, or 'ignore'.
 * @param runAs who it runs as, where that is not the user of this process.
 */
export function spawnServer(
  program: string,
  { script, args, environment = {} }: ServerLaunch,
  folder: string,
  output: number | 'ignore',
  runAs?: RunAs,
): ChildProcess {
  const [command, given] =
    script === undefined ? [program, args] : (['sh', ['-c', script, program, ...args]] as const);
  const started = spawn(command, given, {
    cwd: folder,
    detached: true,
    stdio: ['ignore', output, output],
    env: { PATH: process.env['PATH'], HOME: folder, ...environment },
    ...runAs,
  });
  if (script !== undefined) started.once('exit', () => endGroup(started.pid));
  return started;
}

/** Ends what is left of a process group by force. */
export function endGroup(leader: number | undefined): void {
  if (leader === undefined) return;
  try {
    process.kill(-leader, 'SIGKILL');
  } catch {
    // Nothing was left.
  }
}
