import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect } from 'chai';
import { packageRoot } from '../../mesh/runtime/package-root.js';
import { moneyMutants } from './money-mutants.js';
import type { Edit } from './mutant.js';

/** Runs the built `meshmart sim` with these edits planted in it. */
function sim(edits: readonly Edit[], ...options: string[]) {
  const built = (...path: string[]) => join(packageRoot(), 'dist', ...path);
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [
      '--import',
      built('conformance', 'mutants', 'plant-first.js'),
      built('mesh', 'cli', 'main.js'),
      'sim',
      ...options,
    ],
    { encoding: 'utf8', env: { PATH: process.env['PATH'], PLANTED_EDITS: JSON.stringify(edits) } },
  );
  return { status, stdout, stderr };
}

const run = ['--seed', '3', '--orders', '12', '--faults', '20'];
const wrongAmount = moneyMutants.find(({ killedBy }) => killedBy === 'I2')?.edits ?? [];

describe('meshmart sim', function () {
  this.timeout(60_000);

  it('replays a seed exactly: two runs print the same, trace hash and all', () => {
    const first = sim([], ...run, '--json');
    expect(first.status, first.stderr).to.equal(0);
    const told = JSON.parse(first.stdout);
    expect(told).to.have.all.keys('seed', 'traceHash', 'orders', 'faults', 'violations');
    expect(told).to.include({ seed: 3, orders: 12, faults: 20 });
    expect(told.traceHash).to.match(/^[0-9a-f]{32}$/);
    expect(told.violations).to.deep.equal([]);
    expect(sim([], ...run, '--json').stdout).to.equal(first.stdout);
  });

  it('tells of a seed that fails: invariant, timeline, how to run it again, and a short beginning that fails', () => {
    const { status, stdout } = sim(wrongAmount, ...run);
    expect(status).to.equal(1);
    expect(stdout).to.match(/^seed 3 violates \d+ invariants:$/m);
    const [, order] =
      /^ {2}I2 {2}(ord_\w+) was charged EUR [\d.]+ instead of EUR [\d.]+$/m.exec(stdout) ?? [];
    expect(order, stdout).to.be.a('string');
    expect(stdout).to.include(`what happened to ${order} (virtual time):`);
    expect(stdout).to.match(/^ +[\d.]+ s {2}buyer +has order /m);
    expect(stdout).to.match(/^ +[\d.]+ s {2}card processor +captured auth_/m);
    expect(stdout).to.include('again: meshmart sim --seed 3 --orders 12 --faults 20');
    expect(stdout).to.match(/^the first \d+ purchases under the first 0 faults are enough$/m);
  });

  it('gives the violations as JSON', () => {
    const { status, stdout } = sim(wrongAmount, ...run, '--json');
    expect(status).to.equal(1);
    const [violation] = JSON.parse(stdout).violations;
    expect(violation).to.have.all.keys('invariant', 'subject', 'message');
    expect(violation.invariant).to.equal('I2');
  });
});
