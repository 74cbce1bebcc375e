import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { parseAllDocuments } from 'yaml';
import { isPlainRead } from '../mesh/resilience/repeatable.js';
import { packageRoot } from '../mesh/runtime/package-root.js';
import { loadShop } from '../mesh/shape/loaded-shop.js';
import { byName, type Rendered, render } from './tools/rendered.js';

interface Match {
  readonly uri?: { readonly exact: string };
  readonly headers?: Readonly<Record<string, { readonly exact: string }>>;
  readonly port: number;
}
interface Destination {
  readonly host: string;
  readonly subset: string;
  readonly port: { readonly number: number };
}
interface Route {
  readonly name: string;
  readonly match: readonly Match[];
  readonly route: readonly { readonly destination: Destination; readonly weight?: number }[];
  readonly mirror?: Destination;
  readonly timeout?: string;
  readonly retries?: { readonly attempts: number };
}

const { policies } = loadShop();
const root = join(packageRoot(), 'istio');
const files = ['faults', 'canary', 'mirror'].flatMap((folder) =>
  readdirSync(join(root, folder)).map((name) => join(folder, name)),
);
const objects = files.flatMap((file) =>
  parseAllDocuments(readFileSync(join(root, file), 'utf8')).map(
    (document) => [file, document.toJS() as Rendered] as const,
  ),
);
const routed = objects.filter(([, { kind }]) => kind === 'VirtualService');
const routesOf = (object: Rendered | undefined): readonly Route[] => object?.['spec'].http;

/** A short name means the namespace that its object is in. */
const whole = (host: string) => `${host}.shop.svc.cluster.local`;

/** The route that Istio takes: the first of which one match holds whole. */
function taken(routes: readonly Route[], path: string, canary: boolean): Route | undefined {
  return routes.find(({ match }) =>
    match.some(
      ({ uri, headers = {} }) =>
        (uri === undefined || uri.exact === path) &&
        Object.entries(headers).every(
          ([name, { exact }]) => canary && name === 'x-canary' && exact === 'always',
        ),
    ),
  );
}

describe('routes that are applied by hand', function () {
  this.timeout(60_000);
  const rendered = render({ set: ['services.catalog.canary.enabled=true'] });
  const replaced = byName(render(), 'VirtualService');

  it('are all that each file has, and match by nothing but path, header and port', () => {
    expect(objects.length).to.equal(routed.length);
    for (const [file, object] of routed)
      for (const { match } of routesOf(object))
        for (const one of match) {
          expect(Object.keys(one), file).to.include('port').and.to.have.length.at.most(3);
          expect(['uri', 'headers', 'port'], file).to.include.members(Object.keys(one));
          expect(Object.keys(one.uri ?? { exact: '' }), file).to.deep.equal(['exact']);
        }
  });

  for (const [file, object] of routed) {
    describe(`in istio/${file}`, () => {
      const chart = replaced.get(object.metadata.name);
      const ours = routesOf(object);

      it("bear the name of the chart's, for the same callers, and name no namespace", () => {
        expect(object.metadata).to.deep.equal({ name: chart?.metadata.name });
        expect(object['spec'].hosts.map(whole)).to.deep.equal(chart?.['spec'].hosts);
        expect(object['spec'].exportTo).to.deep.equal(chart?.['spec'].exportTo);
      });

      it("keep each of the chart's, with its matches, its timeout and its repeats", () => {
        for (const { name, match, timeout, retries } of routesOf(chart)) {
          const kept = ours.find((one) => one.name === name);
          expect(kept, name).to.deep.include({ match, retries });
          expect(kept?.timeout, name).to.equal(timeout);
        }
      });

      for (const canary of [false, true])
        it(`wait as long as the chart's, and repeat nothing, ${canary ? 'with' : 'without'} x-canary`, () => {
          const paths = [...policies.keys()].filter((path) =>
            path.startsWith(`/meshmart.${object.metadata.name}.`),
          );
          expect(paths).to.not.deep.equal([]);
          for (const path of [...paths, '/grpc.health.v1.Health/Check']) {
            const route = taken(ours, path, canary);
            expect(route, path).to.not.equal(undefined);
            expect(route?.timeout, path).to.equal(taken(routesOf(chart), path, canary)?.timeout);
            expect(route?.retries, path).to.deep.equal({ attempts: 0 });
          }
        });

      it('share all calls among subsets of the service, and lose none', () => {
        const subsets = byName(rendered, 'DestinationRule').get('catalog')?.['spec'].subsets;
        const names = subsets.map(({ name }: { name: string }) => name);
        for (const { name, route, mirror } of ours) {
          const places = [...route.map(({ destination }) => destination), ...(mirror ? [mirror] : [])];
          for (const place of places) {
            expect(whole(place.host), name).to.equal(chart?.['spec'].hosts[0]);
            expect(place.port, name).to.deep.equal({ number: 50051 });
            expect(names, name).to.include(place.subset);
          }
          expect(
            route.reduce((sum, { weight = 100 }) => sum + weight, 0),
            name,
          ).to.equal(100);
        }
      });
    });
  }

  it('copy what reads, all of it, and no command', () => {
    const mirrored = routed.flatMap(([, object]) =>
      routesOf(object).flatMap(({ match, mirror }) =>
        mirror === undefined ? [] : match.map(({ uri }) => uri?.exact),
      ),
    );
    const reads = [...policies.values()]
      .filter((policy) => policy.path.startsWith('/meshmart.catalog.') && isPlainRead(policy))
      .map(({ path }) => path);
    expect(mirrored).to.have.members(reads);
  });
});
