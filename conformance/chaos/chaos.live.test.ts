import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { eventually } from '../../mesh/testing/eventually.js';
import { type MeshmartRun, runMeshmart } from '../shop-process.js';
import type { Verdict } from './verdict.js';

/** Processes that were started with this folder in their arguments or their environment. */
function processesOf(folder: string): string[] {
  return readdirSync('/proc').flatMap((pid) => {
    if (!/^\d+$/.test(pid)) return [];
    try {
      const told = ['cmdline', 'environ'].map((file) => readFileSync(join('/proc', pid, file), 'utf8'));
      return told.some((text) => text.includes(folder)) ? [told[0]?.replaceAll('\0', ' ') ?? pid] : [];
    } catch {
      return [];
    }
  });
}

/** What a history has lines about so far. */
function kindsIn(history: string): string[] {
  const whole = readFileSync(history, 'utf8')
    .split('\n')
    .filter((line) => line.endsWith('}'));
  return whole.map((line) => (JSON.parse(line) as { kind: string }).kind);
}

describe('meshmart chaos', function () {
  this.timeout(240_000);
  let run: MeshmartRun;
  afterEach(async () => {
    run.child.kill('SIGKILL');
    const folder = folderOf(run);
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  });

  const start = (...args: string[]) => {
    run = runMeshmart(['chaos', '--rate', '6', '--store', 'sqlite', ...args], {}, { ownGroup: true });
    return run;
  };
  const folderOf = ({ output }: MeshmartRun) => /\S*meshmart-chaos-\w+/.exec(output())?.[0];

  it('sells under faults, finds nothing wrong, and leaves nothing behind', async () => {
    const { exited, output } = start('--orders', '60', '--faults', '8', '--json', '--keep');
    const code = await exited;
    const verdict = JSON.parse(/^\{$[\s\S]*^\}$/m.exec(output())?.[0] ?? '') as Verdict;
    expect(verdict.violations, output()).to.deep.equal([]);
    // How quick it was is for `make chaos`, which has the machine to itself.
    const missed = verdict.goals.filter(({ goal, reached }) => !reached && !/within|ok/.test(goal));
    expect(missed).to.deep.equal([]);
    expect(code).to.equal(verdict.valid ? 0 : 1);
    expect(verdict.faults.reduce((sum, { struck }) => sum + struck, 0)).to.equal(8);
    const folder = folderOf(run) ?? '';
    expect(existsSync(join(folder, 'history.jsonl'))).to.equal(true);
    expect(processesOf(folder)).to.deep.equal([]);

    // What it left is judged again, to the same end.
    const again = runMeshmart(['chaos', '--check', folder, '--json'], {});
    expect(await again.exited).to.equal(code);
    expect(JSON.parse(again.output())).to.deep.equal(verdict);
  });

  it('ends everything that it started on Ctrl-C, soon, and names what it leaves', async () => {
    const { child, exited, output } = start('--orders', '600', '--faults', '60');
    await eventually(() => expect(output()).to.match(/purchases and \d+ faults/), {
      withinMs: 90_000,
      everyMs: 100,
    });
    const history = join(folderOf(run) ?? '', 'history.jsonl');
    // Amid purchases and faults: some of both have been.
    await eventually(() => expect(kindsIn(history)).to.include.members(['call', 'fault']), {
      withinMs: 30_000,
      everyMs: 100,
    });
    const askedMs = performance.now();
    child.kill('SIGINT');
    expect(await exited).to.equal(1);
    expect(performance.now() - askedMs).to.be.lessThan(30_000);
    expect(output()).to.include('the run was broken off');
    const folder = folderOf(run) ?? '';
    expect(existsSync(join(folder, 'history.jsonl'))).to.equal(true);
    expect(processesOf(folder)).to.deep.equal([]);
  });
});
