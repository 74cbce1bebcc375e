import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { packageRoot } from '../../mesh/runtime/package-root.js';

/** One shell to which blocks of lines are pasted one after the other, as a person pastes them. */
export interface ShellSession {
  /**
   * Runs a block and gives what it printed.
   * @throws Error with all that it said when a line failed, or when it took too long: then the shell is gone.
   */
  run(block: string, withinMs: number): Promise<string>;
  /** Ends the shell and what it has started in the background. */
  end(): Promise<void>;
}

/** Opens it in the project's folder. A line that fails ends it. @param environment laid over that of this process. */
export function openShell(environment: Readonly<Record<string, string>>): ShellSession {
  // A group of its own: what it leaves in the background ends with it.
  const child = spawn('bash', ['-euo', 'pipefail'], {
    cwd: packageRoot(),
    env: { ...process.env, ...environment },
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const ended = once(child, 'exit');
  let printed = '';
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    printed += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  child.stdin.on('error', () => undefined);
  let blocks = 0;
  const kill = () => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    } catch {
      // Nobody is left.
    }
  };
  return {
    run: async (block, withinMs) => {
      blocks += 1;
      const done = `-- end of block ${blocks} --\n`;
      printed = '';
      said = '';
      // What runs in a block must not read the blocks after it.
      // By itself a shell goes on after `false && true`.
      child.stdin.write(`{ ${block}\n} < /dev/null\n[ $? -eq 0 ] || exit 1\necho '${done.trim()}'\n`);
      const timer = setTimeout(kill, withinMs);
      try {
        await Promise.race([
          ended,
          new Promise<void>((resolve) => {
            const look = () => {
              if (!printed.includes(done)) return;
              child.stdout.off('data', look);
              resolve();
            };
            child.stdout.on('data', look);
          }),
        ]);
      } finally {
        clearTimeout(timer);
      }
      if (!printed.includes(done))
        throw new Error(
          `the lines failed, or took longer than ${withinMs} ms:\n${block}\n${printed}\n${said}`,
        );
      return printed.replace(done, '');
    },
    end: async () => {
      kill();
      await ended;
    },
  };
}
