import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { packageRoot } from '../mesh/runtime/package-root.js';

/** The shell lines of README.md that stand after `<!-- run: name -->`. @throws Error when it has none of this name. */
export function linesOf(name: string): string {
  const readme = readFileSync(join(packageRoot(), 'README.md'), 'utf8');
  const block = new RegExp(`<!-- run: ${name} -->\\s*\`\`\`sh\\n([\\s\\S]*?)\`\`\``).exec(readme)?.[1];
  if (block === undefined) throw new Error(`README.md has no block '${name}'`);
  return block;
}

/** Runs lines in a shell that stops at the first that fails. @returns what they printed. */
export async function runLines(lines: string, environment: NodeJS.ProcessEnv = {}): Promise<string> {
  const { stdout } = await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', lines], {
    env: { ...process.env, ...environment },
    cwd: packageRoot(),
    timeout: 50_000,
  });
  return stdout;
}
