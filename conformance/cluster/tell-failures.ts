import { spawnSync } from 'node:child_process';

/** Mocha's own name for hooks of every suite: after a test that failed, the cluster is asked while it still knows. */
export const mochaHooks = {
  afterEach(this: Mocha.Context) {
    if (this.currentTest?.state !== 'failed') return;
    this.timeout(120_000);
    spawnSync('bash', ['conformance/cluster/tell.sh'], { stdio: 'inherit', timeout: 100_000 });
  },
};
