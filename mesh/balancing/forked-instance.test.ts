import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { InstanceOrder } from './served-until-killed.test.js';

/** An instance of the echo service in a process of its own. */
export interface ForkedInstance {
  readonly port: number;
  /** Holds it where it is, as a machine under pressure does. */
  stop(): void;
  /** Lets it go on. */
  goOn(): void;
  /** Ends it without a word. */
  kill(): Promise<void>;
}

export async function forkInstance(order: InstanceOrder): Promise<ForkedInstance> {
  const child: ChildProcess = fork(
    fileURLToPath(new URL('./served-until-killed.test.ts', import.meta.url)),
    [],
    { execArgv: ['--import=tsx'], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] },
  );
  child.send(order);
  const [port] = (await once(child, 'message')) as [number];
  return {
    port,
    stop: () => void child.kill('SIGSTOP'),
    goOn: () => void child.kill('SIGCONT'),
    kill: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    },
  };
}
