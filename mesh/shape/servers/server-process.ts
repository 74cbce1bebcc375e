import type { ChildProcess } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Ambient, Log } from '../../runtime/ports.js';
import { StartupError } from '../../runtime/startup-error.js';
import { afterCrash, type CrashHistory, noCrashes } from '../processes/restart-policy.js';
import { writeOwn } from './server-folder.js';
import type { RunAs, ServerKind, ServerLaunch } from './server-kind.js';
import { endGroup, spawnServer } from './spawn-server.js';

/** A server that is kept running. */
export interface ServerProcess {
  /**
   * Resolves when it is ready; rejects with a StartupError that has the server's own last line when it ends before that, or
   * is too slow.
   */
  readonly ready: Promise<void>;
  pid(): number;
  /** Asks it to end and waits; by force what takes longer than some seconds. */
  stop(): Promise<void>;
  /** Ends it at once and without waiting: for a process that itself has no time left. */
  kill(): void;
}

export interface ServerProcessOptions {
  readonly kind: ServerKind;
  readonly program: string;
  readonly launch: ServerLaunch;
  readonly folder: string;
  /** Who it runs as, where that is not the user of this process. */
  readonly runAs?: RunAs | undefined;
  readonly ambient: Ambient;
  readonly log: Log;
  /** Told of an end that nobody asked for, and the restart. One line. */
  tell(line: string): void;
}

const bounds = { readyMs: 15_000, askMs: 1_000, everyMs: 50, stopMs: 5_000 };

/** Starts a server on its own folder, which is there, and starts it again when it ends once it was ready. */
export function startServer(options: ServerProcessOptions): ServerProcess {
  const { kind, launch, folder, ambient, log, tell } = options;
  for (const [file, text] of Object.entries(launch.files)) writeOwn(join(folder, file), text, options.runAs);
  const logFile = join(folder, `${kind.name}.log`);
  rmSync(logFile, { force: true });
  let stopping = false;
  let wasReady = false;
  let crashes: CrashHistory = noCrashes;
  let cancelRestart: () => void = () => undefined;
  let child = run();
  const ready = untilReady(options, child, logFile).then(() => {
    wasReady = true;
  });
  ready.catch(() => undefined);

  function run(): ChildProcess {
    const output = openSync(logFile, 'a', 0o600);
    const started = spawnServer(options.program, launch, folder, output, options.runAs);
    closeSync(output);
    started.on('error', () => undefined);
    writeFileSync(pidFileOf(folder), `${started.pid ?? ''}\n`);
    const startedMs = ambient.clock.monotonicMs();
    started.once('exit', (code, signal) => {
      if (stopping || !wasReady || child !== started) return;
      const decided = afterCrash(crashes, ambient.clock.monotonicMs() - startedMs);
      crashes = decided.history;
      const how = signal ?? `exit code ${code}`;
      log.error({ server: kind.name, how }, 'a server ended');
      tell(`${kind.name} ended (${how}); it starts again in ${decided.delayMs} ms`);
      cancelRestart = ambient.timers.after(decided.delayMs, () => {
        if (!stopping) child = run();
      });
    });
    return started;
  }

  return {
    ready,
    pid: () => child.pid ?? 0,
    stop: async () => {
      stopping = true;
      cancelRestart();
      await end(child, kind.endSignal);
      rmSync(pidFileOf(folder), { force: true });
    },
    kill: () => {
      stopping = true;
      cancelRestart();
      endGroup(child.pid);
    },
  };
}

async function untilReady(
  options: ServerProcessOptions,
  child: ChildProcess,
  logFile: string,
): Promise<void> {
  const { kind, launch, ambient } = options;
  const { readyWithinMs = bounds.readyMs } = kind;
  const untilMs = ambient.clock.monotonicMs() + readyWithinMs;
  while (ambient.clock.monotonicMs() < untilMs) {
    const { exitCode, signalCode } = child;
    if (exitCode !== null || signalCode !== null) {
      throw new StartupError(
        `${kind.name} ended with ${signalCode ?? `exit code ${exitCode}`} (${lastLineOf(logFile)})`,
        `look at ${logFile}, or name one that runs with ${kind.addressVariable}`,
      );
    }
    const ready = await kind.ready(launch.url, AbortSignal.timeout(bounds.askMs)).catch(() => false);
    if (ready) return;
    await ambient.timers.sleep(bounds.everyMs);
  }
  await end(child, kind.endSignal);
  throw new StartupError(`${kind.name} is not ready after ${readyWithinMs} ms`, `look at ${logFile}`);
}

function end(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined)
    return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(() => child.kill('SIGKILL'), bounds.stopMs);
    child.once('exit', () => {
      clearTimeout(timer);
      resolve();
    });
    // A server that a fault test has stopped with SIGSTOP takes no SIGTERM until it goes on.
    child.kill('SIGCONT');
    child.kill(signal);
  });
}

const pidFileOf = (folder: string) => join(folder, 'pid');

/**
 * Ends a server that a supervisor left behind when it was killed itself: the process of the pid file, if it still is one
 * that works on this folder. Where the system does not tell the arguments of processes, it is left alone.
 * @throws StartupError when it does not end.
 */
export async function endLeftover(kind: ServerKind, folder: string): Promise<void> {
  if (!existsSync(pidFileOf(folder))) return;
  const pid = Number(readFileSync(pidFileOf(folder), 'utf8'));
  rmSync(pidFileOf(folder), { force: true });
  if (!(pid > 1) || !worksOn(pid, folder)) return;
  const ended = async () => {
    for (let waitedMs = 0; waitedMs < bounds.stopMs && worksOn(pid, folder); waitedMs += 20) await pause(20);
    return !worksOn(pid, folder);
  };
  if (kind.endAtOnceSignal !== undefined) {
    send(pid, 'SIGCONT');
    send(pid, kind.endAtOnceSignal);
    if (await ended()) return;
  }
  send(pid, 'SIGKILL');
  endGroup(pid);
  if (!(await ended()))
    throw new StartupError(
      `a ${kind.name} that an earlier mesh has left on ${folder} does not end (process ${pid})`,
      'end it yourself',
    );
}

/** It may have ended by itself meanwhile. */
function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

function worksOn(pid: number, folder: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(folder);
  } catch {
    return false;
  }
}

function lastLineOf(file: string): string {
  try {
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
    return (lines.at(-1) ?? '').slice(0, 300) || 'it said nothing';
  } catch {
    return 'it said nothing';
  }
}
