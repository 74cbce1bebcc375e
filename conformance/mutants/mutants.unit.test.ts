import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { packageRoot } from '../../mesh/runtime/package-root.js';
import { type Edit, editsByFile, plant } from './mutant.js';
import { mutants } from './mutants.js';

const edit: Edit = { file: 'services/a.js', find: 'a > b', replace: 'a >= b' };

describe('a mutant', () => {
  it('changes its text, and nothing else', () => {
    expect(plant('if (a > b) c();', [edit])).to.equal('if (a >= b) c();');
  });

  it('is refused when its text is not there any more, or is there twice', () => {
    expect(() => plant('if (b < a) c();', [edit])).to.throw('services/a.js has 0 times');
    expect(() => plant('if (a > b && a > b) c();', [edit])).to.throw('services/a.js has 2 times');
  });

  it('has a name of its own and changes something', () => {
    expect(new Set(mutants.map(({ name }) => name)).size).to.equal(mutants.length);
    for (const { name, edits } of mutants)
      for (const { find, replace } of edits) expect(find, name).to.not.equal(replace);
  });

  for (const { name, edits } of mutants)
    it(`"${name}" fits the code as it is built`, () => {
      for (const [file, own] of editsByFile(edits))
        plant(readFileSync(join(packageRoot(), 'dist', file), 'utf8'), own);
    });
});
