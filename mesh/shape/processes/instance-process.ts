import { type ChildProcess, fork } from 'node:child_process';
import cluster from 'node:cluster';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../runtime/package-root.js';
import type { Environment } from '../../runtime/setting.js';
import { StartupError } from '../../runtime/startup-error.js';
import { type FromInstance, instanceVariables, type ToInstance } from './channel.js';

/** What to run. */
export interface InstanceStart {
  readonly service: string;
  /** See {@link instanceVariables.id}. */
  readonly id: string;
  readonly environment: Environment;
  /**
   * True for the edge: all its processes listen on the same two ports. They then run as workers of node:cluster, which
   * shares the listening sockets among them, so that one can take over from another without a refused connection.
   */
  readonly sharesPorts: boolean;
  /** Most memory of V8's old space, in MiB. */
  readonly memoryMiB: number;
}

/** A process of one instance. */
export interface InstanceProcess {
  readonly pid: number;
  tell(message: ToInstance): void;
  kill(signal: NodeJS.Signals): void;
  onMessage(listener: (message: FromInstance) => void): void;
  /** Called once, when the process is gone; `complaint` is the last of what it wrote to standard error. */
  onExit(listener: (exit: { code: number | null; signal: string | null; complaint: string }) => void): void;
}

/** Small heaps: ten processes share one machine. A semi-space of 4 MiB instead of 1 takes a sixth of what an idle instance costs. */
const execArgv = (memoryMiB: number) => ['--max-semi-space-size=4', `--max-old-space-size=${memoryMiB}`];

/** Starts a process for an instance. It ends by itself when this process goes, because the channel closes. */
export function startInstanceProcess(start: InstanceStart): InstanceProcess {
  const main = join(packageRoot(), 'dist', 'bundle', 'mesh', 'cli', 'main.js');
  if (!existsSync(main)) throw new StartupError('meshmart is not built', 'run npm run build');
  const env = { ...start.environment, [instanceVariables.id]: start.id };
  const args = ['serve', start.service];
  const child = start.sharesPorts
    ? forkWorker(main, args, env, start.memoryMiB)
    : fork(main, args, {
        env,
        // A process group of its own: Ctrl-C is for the supervisor, which ends the instances in order.
        detached: true,
        stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
        execArgv: execArgv(start.memoryMiB),
      });
  let complaint = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    complaint = (complaint + chunk.toString()).slice(-2_000);
  });
  // A channel that closes while a message is on its way is told by 'exit'.
  child.on('error', () => undefined);
  return {
    pid: child.pid ?? 0,
    tell: (message) => {
      if (child.connected) child.send(message, () => undefined);
    },
    kill: (signal) => {
      child.kill(signal);
    },
    onMessage: (listener) => {
      child.on('message', (message) => listener(message as FromInstance));
    },
    onExit: (listener) => {
      child.once('exit', (code, signal) => listener({ code, signal, complaint: complaint.trim() }));
    },
  };
}

/**
 * Workers accept by themselves. Node's usual way, in turn, hands over one connection per round trip between this process and
 * the worker: on a machine where each waits 50 ms for its turn, that is ten connections a second.
 */
function forkWorker(main: string, args: string[], env: Environment, memoryMiB: number): ChildProcess {
  cluster.schedulingPolicy = cluster.SCHED_NONE;
  cluster.setupPrimary({ exec: main, args, silent: true, execArgv: execArgv(memoryMiB) });
  const worker = cluster.fork(env);
  worker.process.stdout?.resume();
  return worker.process;
}
