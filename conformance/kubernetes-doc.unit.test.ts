import { spawnSync } from 'node:child_process';
import { realpathSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { parse } from 'yaml';
import { scaledMetrics } from '../mesh/autoscaling/scaled-metric.js';
import { packageRoot } from '../mesh/runtime/package-root.js';
import { temporaryFolder } from '../mesh/testing/temporary-folder.js';
import { blocksOf } from './document-blocks.js';

/** What conformance/cluster/kubernetes-doc.cluster.test.ts can't run, or would find out late. */
describe('docs/kubernetes.md', () => {
  const blocks = blocksOf('docs/kubernetes.md');

  it('says of each block of shell whether CI runs it, or that it needs docker', () => {
    const shell = blocks.filter(({ language }) => language === 'sh');
    expect(shell.map(({ mark }) => mark.replace(/^run: .*/, 'run'))).to.have.members([
      ...Array.from({ length: 9 }, () => 'run'),
      ...Array.from({ length: 3 }, () => 'needs docker'),
    ]);
  });

  it('has lines that a shell can read', () => {
    for (const { text } of blocks.filter(({ language }) => language === 'sh')) {
      const { status, stderr } = spawnSync('bash', ['-n'], { input: text, encoding: 'utf8' });
      expect(status, `${text}\n${stderr}`).to.equal(0);
    }
  });

  it('asks the external scaler for what it knows', () => {
    const [trigger] = parse(blocks.find(({ language }) => language === 'yaml')?.text ?? '').spec.triggers;
    const { scalerAddress, service, ...targets } = trigger.metadata;
    expect([scalerAddress, service]).to.deep.equal(['autoscaler.shop:50061', 'catalog']);
    expect(Object.keys(targets)).to.have.members(Object.values(scaledMetrics).map(({ setting }) => setting));
  });
});

describe('make cluster', () => {
  it('says in a sentence what it wants where there is no docker, and ends with 1', () => {
    const folder = temporaryFolder();
    for (const program of ['bash', 'dirname'])
      symlinkSync(realpathSync(`/usr/bin/${program}`), join(folder.path, program));
    const { status, stderr } = spawnSync('/usr/bin/bash', ['helm/tools/make-cluster.sh'], {
      cwd: packageRoot(),
      env: { PATH: folder.path },
      encoding: 'utf8',
    });
    folder.remove();
    expect(status).to.equal(1);
    expect(stderr).to.match(
      /^make cluster wants a running docker and kind .* make install-cluster IMAGE=REPOSITORY:TAG\n$/,
    );
  });
});
