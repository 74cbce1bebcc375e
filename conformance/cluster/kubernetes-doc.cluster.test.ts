import { spawnSync } from 'node:child_process';
import { expect } from 'chai';
import { freePort } from '../../mesh/testing/free-port.js';
import { blocksOf } from '../document-blocks.js';
import { openShell, type ShellSession } from './shell-session.js';

const image = process.env['MESHMART_CLUSTER_IMAGE'] ?? 'localhost/meshmart:dev';

/**
 * The lines of docs/kubernetes.md, pasted into one shell. Where the shop is installed already, it is left as it was found, and the
 * lines that remove it are left to whoever installed it. The image must be there by the tag `next` as well.
 */
describe('docs/kubernetes.md', function () {
  this.timeout(300_000);
  const blocks = blocksOf('docs/kubernetes.md').filter(({ mark }) => mark.startsWith('run: '));
  const found = releaseRevision();
  let shell: ShellSession;
  const run = (name: string, withinMs = 120_000) => {
    const block = blocks.find(({ mark }) => mark === `run: ${name}`);
    if (block === undefined) throw new Error(`docs/kubernetes.md has no block 'run: ${name}'`);
    return shell.run(block.text, withinMs);
  };

  let revision: string | undefined;

  before(async () => {
    // Asked again: others have made revisions meanwhile, and of old ones helm forgets all but ten.
    revision = releaseRevision();
    shell = openShell({
      PORT: String(await freePort()),
      JAEGER_PORT: String(await freePort()),
      IMAGE: image,
      // The node of a test cluster has no disks to give away.
      SET: found === undefined ? 'postgres.persistent=false' : '',
    });
  });
  after(async () => {
    await shell?.end();
    if (revision !== undefined) {
      const back = spawnSync('helm', ['rollback', 'shop', revision, '--namespace', 'shop', '--wait']);
      expect(back.status, String(back.stderr)).to.equal(0);
    }
  });

  it('installs, and tests what it has installed', async () => {
    const printed = await run('install', 280_000);
    expect(printed).to.match(/catalog-\S+ +2\/2 +Running/);
    expect(printed)
      .to.match(/Phase: +Succeeded/)
      .and.not.match(/Phase: +Failed/);
  });

  it('lists products through the edge', async () => {
    expect((await run('edge')).trim().split('\n')).to.have.length(3);
  });

  it('shows the spans of a request, of programs and sidecars', async () => {
    const printed = await run('trace', 60_000);
    expect(printed).to.match(/^gateway: GET \/v1\/products\//m);
    expect(printed).to.match(/^catalog: .*GetProduct$/m);
  });

  it('gives a canary a tenth of the calls, and every one with the header', async () => {
    const printed = await run('canary');
    const [stable, canary, stableThen, canaryThen] = [...printed.matchAll(/^(?:stable|canary) (\d+)$/gm)].map(
      ([, count]) => Number(count),
    ) as [number, number, number, number];
    // Of 100 by a tenth: 4 standard deviations are 12.
    expect(canary, printed).to.be.within(1, 22);
    expect(stable).to.be.at.least(78);
    expect([stableThen - stable, canaryThen - canary], printed).to.deep.equal([0, 20]);
  });

  it('upgrades one service, and no other', async () => {
    const rows = (await run('upgrade')).trim().split('\n').slice(1);
    const next = rows.filter((row) => row.endsWith(':next'));
    expect(next).to.have.length(1);
    expect(next[0]).to.match(/^catalog /);
    expect(rows).to.have.length.greaterThan(9);
  });

  it('breaks recommendations, and mends them', async () => {
    const printed = await run('fault', 60_000);
    expect(printed)
      .to.match(/x-degraded: /i)
      .and.match(/^recommendation /m);
  });

  it('tells how busy pods are', async () => {
    const printed = await run('autoscale');
    expect(printed).to.match(/^\["catalog-[^"]+","\d+m?"\]$/m);
    expect(printed).to.match(/^catalog +Deployment\/catalog /m);
  });

  it('uninstalls all of it', async function () {
    if (found !== undefined) this.skip();
    await run('uninstall', 180_000);
    const left = spawnSync('kubectl', ['get', 'namespaces', '--output', 'name'], { encoding: 'utf8' });
    expect(left.stdout).to.not.match(/namespace\/(shop|observability)\b/);
    const api = spawnSync('kubectl', ['get', 'apiservice', 'v1beta2.custom.metrics.k8s.io'], {
      encoding: 'utf8',
    });
    expect(api.stderr).to.match(/NotFound/);
  });
});

/** The revision of the shop's release; undefined when there is none. */
function releaseRevision(): string | undefined {
  const { status, stdout } = spawnSync('helm', ['list', '--namespace', 'shop', '--output', 'json'], {
    encoding: 'utf8',
  });
  if (status !== 0) return undefined;
  const releases = JSON.parse(stdout) as { name: string; revision: string }[];
  return releases.find(({ name }) => name === 'shop')?.revision;
}
