import { spawnSync } from 'node:child_process';
import { expect } from 'chai';
import { eventually } from '../../mesh/testing/eventually.js';
import { freePort } from '../../mesh/testing/free-port.js';
import { blockOf } from '../document-blocks.js';
import { askedTracks } from './asked-tracks.js';
import { lookAtProducts } from './looks.js';
import { isReady, namespace, podsOf, untilSettled, workloads } from './pods.js';
import { kubectl, succeed } from './program.js';
import { release } from './release.js';
import { openShell, type ShellSession } from './shell-session.js';

/**
 * The lines of docs/kubernetes.md, pasted into one shell. They install the shop, or upgrade what is there, and leave it as it was
 * before they did anything else to it. IMAGE and SET are what the lines take. The image must be there by the tag `next` as well. The last
 * lines, which remove the shop, are in uninstall.cluster.test.ts.
 */
describe('docs/kubernetes.md', function () {
  this.timeout(300_000);
  let shell: ShellSession;
  let installed: string | undefined;
  const run = (name: string, withinMs = 120_000) =>
    shell.run(blockOf('docs/kubernetes.md', `run: ${name}`), withinMs);
  const apply = (file: string) =>
    kubectl(['apply', '--namespace', namespace, '--filename', `istio/${file}.yaml`]);
  /** Proxies hear of a route within a second or two. */
  const soon = { withinMs: 60_000, everyMs: 200 };

  before(async () => {
    shell = openShell({
      PORT: String(await freePort()),
      JAEGER_PORT: String(await freePort()),
      IMAGE: process.env['IMAGE'] ?? 'localhost/meshmart:dev',
      // The node of a test cluster has no disks to give away.
      SET: process.env['SET'] ?? 'postgres.persistent=false',
    });
  });
  after(async () => {
    await shell?.end();
    if (installed !== undefined) {
      // Not waited for: customers see nothing of it.
      const back = spawnSync('helm', ['rollback', release, installed, '--namespace', namespace]);
      expect(back.status, String(back.stderr)).to.equal(0);
    }
  });

  it('installs, and tests what it has installed', async () => {
    const printed = await run('install', 280_000);
    installed = releaseRevision();
    expect(printed).to.match(/catalog-\S+ +2\/2 +Running/);
    expect(printed)
      .to.match(/Phase: +Succeeded/)
      .and.not.match(/Phase: +Failed/);
  });

  it('has every pod ready within three minutes of its first line', async () => {
    const { info } = JSON.parse(
      await succeed('helm', ['status', release, '--namespace', namespace, '--output', 'json']),
    ) as { info: { first_deployed: string } };
    await untilSettled();
    // Pods of Jobs have ended, and are not ready.
    const readyAt = (await podsOf('app.kubernetes.io/part-of=meshmart'))
      .filter(isReady)
      .map(({ status }) =>
        Date.parse(status.conditions?.find(({ type }) => type === 'Ready')?.lastTransitionTime ?? ''),
      );
    expect(readyAt).to.have.length.greaterThan(10);
    const seconds = Math.round((Math.max(...readyAt) - Date.parse(info.first_deployed)) / 1_000);
    console.log(`      ready after ${seconds} s`);
    expect(seconds).to.be.within(0, 180);
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
    expect(stableThen - stable, printed).to.equal(0);
    // One that came too late is repeated.
    expect(canaryThen - canary, printed).to.be.within(20, 22);
  });

  it('holds to the tenth, within three standard deviations', async () => {
    const count = 1_000;
    const deviation = Math.sqrt(count * 0.1 * 0.9);
    // Where a look came too late and was repeated nobody knows how many there were: it is begun anew.
    const sample = () => eventually(() => askedTracks({ count }), { withinMs: 120_000 });
    let { canary } = await sample();
    const away = () => Math.abs(canary - count * 0.1) / deviation;
    // Of fair samples one in 330 is further away: then a second one tells.
    if (away() > 3) ({ canary } = await sample());
    expect(away(), `${canary} of ${count}, in standard deviations`).to.be.at.most(3);
  });

  // While there is a canary: what the chart does by its values, files do by hand.
  it('gives the canary those who ask for it and nobody else, by istio/canary/catalog-by-header.yaml', async () => {
    await apply('canary/catalog-by-header');
    await eventually(
      async () => expect(await askedTracks({ count: 100 })).to.deep.equal({ stable: 100, canary: 0 }),
      soon,
    );
    const headers = { 'x-canary': 'always' };
    await eventually(
      async () => expect(await askedTracks({ count: 20, headers })).to.deep.equal({ stable: 0, canary: 20 }),
      soon,
    );
  });

  it('gives it a copy of each read, by istio/mirror/catalog.yaml', async () => {
    await apply('mirror/catalog');
    await eventually(
      async () =>
        expect(await askedTracks({ count: 20, comesTo: 2 })).to.deep.equal({ stable: 20, canary: 20 }),
      soon,
    );
  });

  it('gives it a tenth, by istio/canary/catalog-90-10.yaml', async () => {
    await apply('canary/catalog-90-10');
    // 4 standard deviations are 17.
    await eventually(
      async () => expect((await askedTracks({ count: 200 })).canary).to.be.within(3, 37),
      soon,
    );
  });

  it('upgrades one service: one Deployment changes, its pods and no others, the canary goes, and no call fails', async () => {
    const generations = async () =>
      new Map((await workloads()).map(({ metadata }) => [metadata.name, metadata.generation]));
    const podNames = async () =>
      (await podsOf('app.kubernetes.io/part-of=meshmart')).map(({ metadata }) => metadata.name);
    const [before, podsBefore] = [await generations(), await podNames()];
    const looks = await lookAtProducts();
    let rows: string[];
    try {
      rows = (await run('upgrade')).trim().split('\n').slice(1);
      await untilSettled();
    } finally {
      await looks.end();
    }
    expect(await looks.failures()).to.deep.equal([]);
    const next = rows.filter((row) => row.endsWith(':next'));
    expect(next).to.have.length(1);
    expect(next[0]).to.match(/^catalog /);
    const [after, podsAfter] = [await generations(), await podNames()];
    expect([...after.keys()]).to.deep.equal([...before.keys()].filter((name) => name !== 'catalog-canary'));
    expect([...after.keys()].filter((name) => after.get(name) !== before.get(name))).to.deep.equal([
      'catalog',
    ]);
    const gone = podsBefore.filter((name) => !podsAfter.includes(name));
    expect(
      gone.every((name) => name.startsWith('catalog-')),
      gone.join(' '),
    ).to.equal(true);
    expect(gone).to.not.deep.equal([]);
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
});

/** The revision of the shop's release; undefined when there is none. */
function releaseRevision(): string | undefined {
  const { status, stdout } = spawnSync('helm', ['list', '--namespace', namespace, '--output', 'json'], {
    encoding: 'utf8',
  });
  if (status !== 0) return undefined;
  const releases = JSON.parse(stdout) as { name: string; revision: string }[];
  return releases.find(({ name }) => name === release)?.revision;
}
