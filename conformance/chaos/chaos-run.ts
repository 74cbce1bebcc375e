import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import type { Terminal } from '../../mesh/cli/command.js';
import { StartupError } from '../../mesh/runtime/startup-error.js';
import type { ChaosOptions } from './chaos-options.js';
import { readEvidence } from './evidence-folder.js';
import { judge } from './judge.js';
import { runChaos } from './run-chaos.js';
import type { Verdict } from './verdict.js';
import { verdictText } from './verdict-text.js';

/** What is asked of a run. */
export type ChaosRunOptions = Omit<ChaosOptions, 'folder' | 'environment' | 'signal' | 'tell'>;

/** How a verdict is told. */
export interface Telling {
  /** A file that the page is written into. */
  readonly report: string | undefined;
  /** Whether the folder stays when all is well. */
  readonly keep: boolean;
  readonly json: boolean;
}

/** A run that takes so many times what it may is broken off. */
const breaksOffAfter = 2;

/**
 * Runs, judges, tells, and ends with a line `N passed, N failed`: invariants and goals. The folder with histories and logs
 * stays when anything failed, and is named. Ctrl-C and a time that is over break the run off; everything is ended then too.
 * @returns the exit code: 0 only for a run without violations that reached its goals.
 */
export async function chaosRun(
  options: ChaosRunOptions,
  telling: Telling,
  terminal: Pick<Terminal, 'out' | 'err' | 'environment'>,
  self: Pick<NodeJS.Process, 'on' | 'once' | 'removeListener' | 'exit' | 'exitCode'>,
): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'meshmart-chaos-'));
  // A server of another user has its own folder in it, which nobody else can read.
  chmodSync(folder, 0o711);
  const breakOff = new AbortController();
  const asked = () => breakOff.abort(new StartupError('the run was broken off', 'start it again'));
  const late = () =>
    breakOff.abort(
      new StartupError(
        `the run took longer than ${breaksOffAfter} times ${options.withinMs / 60_000} minutes`,
        'look into its folder',
      ),
    );
  // A timer that fails, such as for a full disk: what was started must be ended all the same.
  const broken = (error: Error) => breakOff.abort(error);
  // Nothing is left to be done then. Seen with Node 20.20: a run that was broken off amid hundreds of calls never ended, and
  // used a whole core, in the part of Node that waits for what it has closed.
  self.once('beforeExit', () => self.exit(self.exitCode ?? 1));
  self.on('uncaughtException', broken);
  const timer = setTimeout(late, breaksOffAfter * options.withinMs);
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) self.on(signal, asked);
  const begunMs = performance.now();
  const tell = (line: string) =>
    terminal.err(`meshmart: ${((performance.now() - begunMs) / 1_000).toFixed(1)} s: ${line}\n`);
  tell(`histories and logs go to ${folder}`);
  try {
    await runChaos({ ...options, folder, environment: terminal.environment, signal: breakOff.signal, tell });
    const code = judgeAgain(folder, telling, terminal);
    if (code === 0 && !telling.keep) rmSync(folder, { recursive: true, force: true });
    else terminal.err(`meshmart: histories, witnesses' files and logs are in ${folder}\n`);
    return code;
  } catch (error) {
    terminal.err(`meshmart: what there is of histories and logs is in ${folder}\n`);
    throw breakOff.signal.aborted ? breakOff.signal.reason : error;
  } finally {
    clearTimeout(timer);
    for (const signal of signals) self.removeListener(signal, asked);
    self.removeListener('uncaughtException', broken);
  }
}

/** Judges what a run left in its folder. */
export function judgeAgain(folder: string, telling: Telling, terminal: Pick<Terminal, 'out'>): number {
  const { history, evidence } = readEvidence(folder);
  const verdict = judge(history, evidence);
  const text = verdictText(verdict, machineText());
  if (telling.report !== undefined) writeFileSync(telling.report, text);
  terminal.out(telling.json ? `${JSON.stringify(verdict, null, 2)}\n` : text);
  if (!telling.json) terminal.out(`\n${countText(verdict)}\n`);
  return verdict.valid ? 0 : 1;
}

function countText({ invariants, goals }: Verdict): string {
  const results = [
    ...invariants.map(({ violations }) => violations === 0),
    ...goals.filter(({ reached, judged }) => reached || judged).map(({ reached }) => reached),
  ];
  const passed = results.filter(Boolean).length;
  return `${passed} passed, ${results.length - passed} failed`;
}

function machineText(): string {
  const [cpu] = cpus();
  const model = cpu?.model.replace(/\s+/g, ' ').trim() ?? 'unknown';
  return `${cpus().length} cores (${model}), ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`;
}
