import { expect } from 'chai';
import { runMeshmart } from './shop-process.js';

/** Runs a command line that must fail, and gives the one line that it printed. */
export async function complaintOf(
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
  root?: string,
): Promise<string> {
  const run = runMeshmart(args, environment, { root });
  expect(await run.exited, run.output()).to.equal(1);
  // On a busy machine the start takes longer than a second, and then says first that it is under way.
  const [line = '', ...more] = run
    .output()
    .trimEnd()
    .split('\n')
    .filter((printed) => printed !== 'meshmart: starting ...');
  expect(more, run.output()).to.deep.equal([]);
  expect(line).to.match(/^meshmart: /);
  return line;
}
