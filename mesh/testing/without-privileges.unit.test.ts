import { chmodSync, readFileSync } from 'node:fs';
import { expect } from 'chai';
import { type TemporaryFolder, temporaryFolder } from './temporary-folder.js';
import { withoutPrivileges } from './without-privileges.js';

describe('a task without privileges', () => {
  let folder: TemporaryFolder;
  beforeEach(() => {
    folder = temporaryFolder();
  });
  afterEach(() => folder.remove());

  it('can not read a file that nobody may read, whoever runs the test', () => {
    const file = folder.write('closed', 'text');
    chmodSync(file, 0o000);
    expect(() => withoutPrivileges(() => readFileSync(file))).to.throw(/EACCES/);
  });

  it('leaves the process who it was, when it fails too', () => {
    const before = process.geteuid?.();
    expect(withoutPrivileges(() => 5)).to.equal(5);
    expect(() =>
      withoutPrivileges(() => {
        throw new Error('no');
      }),
    ).to.throw('no');
    expect(process.geteuid?.()).to.equal(before);
  });
});
