import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { temporaryFolder } from './temporary-folder.js';

describe('temporary folder', () => {
  it('is made empty, for this user only, and another one each time', () => {
    const [first, second] = [temporaryFolder(), temporaryFolder()];
    try {
      expect(first.path).to.not.equal(second.path);
      expect(statSync(first.path).mode & 0o777).to.equal(0o700);
    } finally {
      first.remove();
      second.remove();
    }
  });

  it('writes files with the folders above them, and goes with all of them', () => {
    const folder = temporaryFolder();
    const file = folder.write('services/cart/service.ts', 'export {};\n');
    expect(file).to.equal(join(folder.path, 'services', 'cart', 'service.ts'));
    expect(readFileSync(file, 'utf8')).to.equal('export {};\n');
    folder.remove();
    expect(existsSync(folder.path)).to.equal(false);
    folder.remove();
  });
});
