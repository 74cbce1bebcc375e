import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { mayRepeat } from '../mesh/resilience/repeatable.js';
import { packageRoot } from '../mesh/runtime/package-root.js';
import { loadShop } from '../mesh/shape/loaded-shop.js';
import { temporaryFolder } from '../mesh/testing/temporary-folder.js';
import { byName, type RenderOptions, render } from './tools/rendered.js';

const shop = loadShop();

interface Route {
  readonly match: readonly { readonly uri?: { readonly exact: string }; readonly headers?: object }[];
  readonly route: readonly { readonly destination: { readonly subset: string } }[];
  readonly timeout?: string;
  readonly retries?: { readonly attempts: number };
}

/** Path to its route, of calls with a header that routes look at, or without. */
function routesOf(options: RenderOptions, testers = false): Map<string, Route> {
  const services = byName(render(options), 'VirtualService');
  return new Map(
    [...services.values()].flatMap(({ spec }) =>
      (spec.http as Route[]).flatMap((route) =>
        route.match.flatMap(({ uri, headers }) =>
          uri === undefined || (headers !== undefined) !== testers ? [] : [[uri.exact, route] as const],
        ),
      ),
    ),
  );
}

describe('the routes of the mesh', function () {
  this.timeout(60_000);

  it("wait as long as the contract's deadline, for each method", () => {
    const routes = routesOf({});
    expect([...routes.keys()]).to.have.members([...shop.policies.keys()]);
    for (const [path, { deadlineMs }] of shop.policies)
      expect(routes.get(path)?.timeout, path).to.equal(`${deadlineMs / 1_000}s`);
  });

  it('wait as long for the canary of a tester who asks for it by a header', () => {
    const usual = routesOf({});
    const routes = routesOf({ set: ['services.catalog.canary.enabled=true'] }, true);
    const methods = [...shop.policies.keys()].filter((path) => path.includes('CatalogService'));
    expect([...routes.keys()]).to.have.members(methods).that.is.not.empty;
    for (const [path, { timeout, retries, route }] of routes) {
      expect({ timeout, retries }, path).to.deep.equal({
        timeout: usual.get(path)?.timeout,
        retries: usual.get(path)?.retries,
      });
      expect(route.map(({ destination }) => destination.subset)).to.deep.equal(['canary']);
    }
  });

  it('repeat nothing, because the library does', () => {
    for (const [path, { retries }] of routesOf({})) expect(retries, path).to.deep.equal({ attempts: 0 });
  });

  it('repeat, where they are told to, only what the contract says may be', () => {
    const routes = routesOf({ set: ['istio.retries.attempts=2'] });
    for (const [path, policy] of shop.policies)
      expect(routes.get(path)?.retries?.attempts, path).to.equal(mayRepeat(policy) ? 2 : 0);
    expect([...shop.policies.values()].some((policy) => !mayRepeat(policy))).to.equal(true);
  });

  it('say in every VirtualService what is repeated: silence would mean two retries', () => {
    for (const { metadata, spec } of byName(
      render({ set: ['istio.gateway.kind=classic'] }),
      'VirtualService',
    ).values())
      for (const route of spec.http as Route[]) expect(route, metadata.name).to.have.property('retries');
  });

  it('repeat at the edge what has not reached the gateway, since routes there can say nothing of it', () => {
    const spec = byName(render({}), 'EnvoyFilter').get('shop-edge-retries')?.spec;
    expect(spec?.targetRefs).to.deep.equal([
      { group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'shop' },
    ]);
    expect(spec?.configPatches.map(({ patch }: { patch: object }) => patch)).to.deep.equal([
      {
        operation: 'MERGE',
        value: { route: { retry_policy: { retry_on: 'connect-failure,refused-stream' } } },
      },
    ]);
  });

  it('lead to subsets whose labels pods have', () => {
    const objects = render({ set: ['defaults.canary.enabled=true'] });
    const pods = [...byName(objects, 'Deployment').values()].map(({ spec }) => spec.template.metadata.labels);
    for (const { metadata, spec } of byName(objects, 'DestinationRule').values())
      for (const { labels } of spec.subsets)
        expect(
          pods.some(({ app, track }) => app === metadata.name && track === labels.track),
          metadata.name,
        ).to.equal(true);
  });

  it('are in istio/mesh as they are rendered: else run bash istio/render.sh', () => {
    const folder = temporaryFolder();
    const done = spawnSync('bash', [join(packageRoot(), 'istio/render.sh'), folder.path], {
      encoding: 'utf8',
    });
    expect(done.status, done.stderr).to.equal(0);
    const kept = join(packageRoot(), 'istio/mesh');
    const texts = (path: string) =>
      Object.fromEntries(readdirSync(path).map((name) => [name, readFileSync(join(path, name), 'utf8')]));
    expect(texts(kept)).to.deep.equal(texts(folder.path));
    folder.remove();
  });
});
