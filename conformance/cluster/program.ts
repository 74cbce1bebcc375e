import { spawn } from 'node:child_process';
import { delimiter, join } from 'node:path';
import { packageRoot } from '../../mesh/runtime/package-root.js';

/** How a program is run. */
export interface ProgramOptions {
  /** What it reads on standard input. Default: nothing. */
  readonly input?: string;
  /** It is killed after so long, in milliseconds. Default 60,000. */
  readonly withinMs?: number;
}

/** What a program said, and how it ended. */
export interface ProgramEnd {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Where the tools of a test cluster are, besides PATH. */
const PATH = [join(process.env['HOME'] ?? '', '.cache/mesh-tools/bin'), process.env['PATH']].join(delimiter);

/** Runs a program in the project's folder until it ends, however it ends. @throws Error when it can't be started. */
export function runProgram(
  program: string,
  args: readonly string[],
  { input, withinMs = 60_000 }: ProgramOptions = {},
): Promise<ProgramEnd> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: packageRoot(),
      env: { ...process.env, PATH },
      timeout: withinMs,
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stdout, stderr }));
    // Who does not read to the end closes the pipe.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input ?? '');
  });
}

/** The same for what must go well. @returns what it printed. @throws Error with what it said. */
export async function succeed(program: string, args: readonly string[], options: ProgramOptions = {}) {
  const { code, stdout, stderr } = await runProgram(program, args, options);
  if (code !== 0)
    throw new Error(
      `${program} ${args.join(' ')}: ended with ${code}: ${(stderr || stdout).trim().slice(-2_000)}`,
    );
  return stdout;
}

/** `kubectl`, in the cluster that KUBECONFIG names. */
export function kubectl(args: readonly string[], options?: ProgramOptions): Promise<string> {
  return succeed('kubectl', args, options);
}
