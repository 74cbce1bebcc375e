import { spawnSync } from 'node:child_process';
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { blocksOf } from '../conformance/document-blocks.js';
import { packageRoot } from '../mesh/runtime/package-root.js';
import { temporaryFolder } from '../mesh/testing/temporary-folder.js';
import { helmEnvironment } from './tools/rendered.js';

const profiles = ['istio', 'production', 'ambient', 'minimal'];
const pages: Readonly<Record<string, string>> = {
  'helm/README.md': blocksOf('helm/README.md')
    .filter(({ language }) => language === 'sh')
    .map(({ text }) => text)
    .join(''),
  ...Object.fromEntries(profiles.map((profile) => [fileOf(profile), commentsOf(fileOf(profile))])),
};

/** Lines that change releases, each whole. */
function installsOf(text: string): string[] {
  return text
    .replace(/\\\n\s*/g, '')
    .split('\n')
    .filter((line) => /^helm (install|upgrade) /.test(line));
}

function fileOf(profile: string): string {
  return `helm/shop/values-${profile}.yaml`;
}

function commentsOf(file: string): string {
  const text = readFileSync(join(packageRoot(), file), 'utf8');
  return [...text.matchAll(/^# {3}(.*)$/gm)].map(([, line]) => `${line}\n`).join('');
}

describe('lines of helm that pages tell people to paste', function () {
  this.timeout(30_000);
  const folder = temporaryFolder();
  before(() => {
    symlinkSync(join(packageRoot(), 'helm'), join(folder.path, 'helm'));
    writeFileSync(join(folder.path, 'jwks.json'), '{"keys":[]}');
    for (const file of ['mine.yaml', 'shop.yaml']) writeFileSync(join(folder.path, file), '');
  });
  after(() => folder.remove());

  it('are in the README and in the profiles that can be installed so', () => {
    const without = Object.keys(pages).filter((page) => installsOf(pages[page] ?? '').length === 0);
    expect(without).to.deep.equal([fileOf('ambient')]);
  });

  for (const [page, text] of Object.entries(pages))
    for (const line of installsOf(text))
      it(`render as they stand: ${page}: ${line}`, () => {
        const template = line
          .replace(/^helm (install|upgrade( --install)?) /, 'helm template --kube-version 1.34.4 ')
          .replace(' --create-namespace', '')
          .replace(/ > \/dev\/null( &&)?$/, '')
          .replace(/ &&$/, '')
          .replace(
            /^(helm template .* catalog helm\/service .*) --reuse-values/,
            '$1 --reuse-values --values helm/shop/services/catalog.yaml',
          )
          // Of a release that is there, which here is the smallest.
          .replace(' --reuse-values', ` --values ${fileOf('minimal')}`);
        const done = spawnSync('bash', ['-c', template], {
          cwd: folder.path,
          env: helmEnvironment(),
          encoding: 'utf8',
          maxBuffer: 64 * 1024 * 1024,
        });
        expect(done.status, done.stderr).to.equal(0);
        expect(done.stdout).to.match(/kind: Deployment/);
      });
});
