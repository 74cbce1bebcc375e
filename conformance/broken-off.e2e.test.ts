import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { packageRoot } from '../mesh/runtime/package-root.js';
import { temporaryFolder } from '../mesh/testing/temporary-folder.js';

describe('a run of tests that a signal ends', () => {
  const root = packageRoot();
  let folder: ReturnType<typeof temporaryFolder>;
  beforeEach(() => {
    folder = temporaryFolder();
  });
  afterEach(() => folder.remove());

  for (const signal of ['SIGINT', 'SIGTERM']) {
    it(`does not look like one that has passed, after ${signal}`, function () {
      this.timeout(30_000);
      const spec = join(folder.path, 'ended.test.cjs');
      writeFileSync(
        spec,
        `it('ends', (done) => { setTimeout(done, 5000); process.kill(process.pid, '${signal}'); });`,
      );
      const mocha = join(root, 'node_modules', 'mocha', 'bin', 'mocha.js');
      const { status } = spawnSync(process.execPath, [mocha, spec], { cwd: root });
      expect(status).not.to.equal(0);
    });
  }
});
