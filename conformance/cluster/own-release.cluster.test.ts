import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { packageRoot } from '../../mesh/runtime/package-root.js';
import { type TemporaryFolder, temporaryFolder } from '../../mesh/testing/temporary-folder.js';
import { blockOf } from '../document-blocks.js';
import { type Looks, lookAtProducts } from './looks.js';
import { get, namespace, podsOf, untilSettled, workloads } from './pods.js';
import { succeed } from './program.js';
import { release } from './release.js';
import { openShell, type ShellSession } from './shell-session.js';

/** An object as far as it tells whose it is. */
interface Owned {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly annotations?: Readonly<Record<string, string>> };
}

const kinds = [
  ...['deployment', 'service', 'serviceaccount', 'networkpolicy', 'sidecar'],
  ...['authorizationpolicy', 'requestauthentication', 'destinationrule', 'virtualservice'],
];

/** The lines of helm/README.md by which one service becomes a release of its own, and comes back. The shop must be there, whole. */
describe('a service that is handed over to a release of its own', function () {
  this.timeout(350_000);
  let folder: TemporaryFolder;
  let shell: ShellSession;
  let looks: Looks;
  const run = (name: string) => shell.run(blockOf('helm/README.md', `run: ${name}`), 100_000);
  const podNames = async () => (await podsOf()).map(({ metadata }) => metadata.name).sort();
  /** `Deployment catalog: shop`, of everything that is the service's. */
  const owners = async () => {
    const { items } = await get<{ items: Owned[] }>(
      kinds.join(','),
      ...['--namespace', namespace, '--selector', 'app=catalog'],
    );
    for (const { kind, metadata } of items)
      expect(metadata.annotations?.['helm.sh/resource-policy'], `${kind} ${metadata.name}`).to.equal(
        undefined,
      );
    return items.map(
      ({ kind, metadata }) =>
        `${kind} ${metadata.name}: ${metadata.annotations?.['meta.helm.sh/release-name']}`,
    );
  };
  const generations = async () =>
    Object.fromEntries((await workloads()).map(({ metadata }) => [metadata.name, metadata.generation]));
  const changedSince = async (before: Readonly<Record<string, number>>) => {
    const after = await generations();
    expect(Object.keys(after)).to.deep.equal(Object.keys(before));
    return Object.keys(after).filter((name) => after[name] !== before[name]);
  };

  before(async () => {
    await untilSettled();
    folder = temporaryFolder();
    // The lines leave a file where they are pasted.
    symlinkSync(join(packageRoot(), 'helm'), join(folder.path, 'helm'));
    shell = openShell({ NEW: 'next' });
    await shell.run(`cd '${folder.path}'`, 5_000);
    looks = await lookAtProducts();
  });
  after(async () => {
    await looks?.end();
    await shell?.end();
    folder?.remove();
  });

  it('owns everything that is its own, with the pods that were there, and no call fails', async () => {
    const before = await owners();
    expect(before).to.have.length.of.at.least(kinds.length);
    // By pods: the generation of a Deployment counts its annotations, too, and there Helm says whose it is.
    const were = await podNames();
    await run('hand over');
    expect(await owners()).to.deep.equal(before.map((line) => line.replace(/: shop$/, ': catalog')));
    expect(await podNames()).to.deep.equal(were);
    const manifest = await succeed('helm', ['get', 'manifest', release, '--namespace', namespace]);
    expect(manifest)
      .to.match(/^ {2}name: cart$/m)
      .and.not.match(/^ {2}name: catalog$/m);
    expect(await looks.failures()).to.deep.equal([]);
  });

  it('is upgraded by it alone, and an upgrade of the shop does not touch it', async () => {
    const were = await generations();
    await run('upgrade alone');
    await succeed('helm', [...['upgrade', release, 'helm/shop', '--namespace', namespace, '--reuse-values']]);
    await untilSettled();
    expect(await changedSince(were)).to.deep.equal(['catalog']);
    const [pod] = await podsOf('app=catalog');
    expect(pod?.metadata.labels['version']).to.equal('next');
    expect(await looks.failures()).to.deep.equal([]);
  });

  it('comes back to the shop as it was, and no call fails', async () => {
    await run('take back');
    await untilSettled();
    expect((await owners()).filter((line) => !line.endsWith(': shop'))).to.deep.equal([]);
    const list = await succeed('helm', ['list', '--all', '--short', '--namespace', namespace]);
    expect(list.trim()).to.equal(release);
    expect(await looks.failures()).to.deep.equal([]);
  });
});
