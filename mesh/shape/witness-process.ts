import { type ChildProcess, fork } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../runtime/package-root.js';
import { StartupError } from '../runtime/startup-error.js';

/** A program outside the shop that the launcher runs for convenience. The shop does not trust it. */
export interface Witness {
  readonly pid: number;
  /** What it said when it began to listen, such as `{ url }` or `{ smtpUrl, httpUrl }`. */
  readonly listening: Readonly<Record<string, string>>;
  /** Asks it to end and waits; ends it by force after `graceMs`. */
  stop(graceMs: number): Promise<void>;
}

/** What to run and with which settings. */
export interface WitnessStart {
  /** Folder in `witnesses/`. */
  readonly name: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Longest wait until it listens, in milliseconds. */
  readonly startWithinMs: number;
  /** Told when it ends without having been asked. */
  onExit(name: string, code: number | null): void;
}

/**
 * Starts `witnesses/<name>/main`. It ends by itself when this process dies, because the channel between them closes.
 * @throws StartupError with the program's own message when it ends before it listens, or is too slow.
 */
export function startWitness(start: WitnessStart): Promise<Witness> {
  const child = fork(mainOf(start.name), [], {
    env: { PATH: process.env['PATH'], NODE_EXTRA_CA_CERTS: undefined, ...start.environment },
    // A process group of its own: Ctrl-C is for the shop, which ends its witnesses last.
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    execArgv: ['--max-semi-space-size=1', '--max-old-space-size=128'],
  });
  return new Promise((resolve, reject) => {
    let complaint = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      complaint = (complaint + chunk.toString()).slice(-2_000);
    });
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(
        new StartupError(`${start.name} did not listen within ${start.startWithinMs} ms`, 'look at its log'),
      );
    }, start.startWithinMs);
    // A program that can't even be started, or not be ended: without a listener the shop would end with it.
    child.on('error', (cause) => {
      clearTimeout(timer);
      reject(new StartupError(`${start.name} can't be run`, cause.message, { cause }));
    });
    child.once('exit', (code) => {
      clearTimeout(timer);
      const line = complaint.trim().split('\n')[0] || `it ended with exit code ${code}`;
      reject(new StartupError(`${start.name} did not start`, line));
    });
    child.on('message', (message: { listening?: Record<string, string> } | null) => {
      if (message?.listening === undefined) return;
      clearTimeout(timer);
      child.removeAllListeners('exit');
      const stopping = { asked: false };
      child.once('exit', (code) => {
        if (!stopping.asked) start.onExit(start.name, code);
      });
      resolve({
        pid: child.pid ?? 0,
        listening: message.listening,
        stop: (graceMs) => {
          stopping.asked = true;
          return stop(child, graceMs);
        },
      });
    });
  });
}

/** The built program: it runs without the loader that tests run sources with. */
function mainOf(name: string): string {
  const built = join(packageRoot(), 'dist', 'bundle', 'witnesses', name, 'main.js');
  if (existsSync(built)) return built;
  throw new StartupError(`${name} is not built`, 'run npm run build');
}

function stop(child: ChildProcess, graceMs: number): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(() => child.kill('SIGKILL'), graceMs);
    child.once('exit', () => {
      clearTimeout(timer);
      resolve();
    });
    child.kill('SIGTERM');
  });
}
