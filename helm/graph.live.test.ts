import { expect } from 'chai';
import { loadShop } from '../mesh/shape/loaded-shop.js';
import { byName, type Rendered, render } from './tools/rendered.js';
import { serverPorts, usesServer } from './tools/server-users.js';

const shop = loadShop();
const owner = (call: string) => shop.owners.get(call.split('/')[0] ?? '') ?? '';
/** `caller callee /method`, as the manifests declare it. */
const declared = shop.manifests
  .flatMap(({ name, calls }) => calls.map((call) => `${name} ${owner(call)} /${call}`))
  .sort();
const edges = [...new Set(declared.map((line) => line.split(' ').slice(0, 2).join(' ')))].sort();
const services = shop.manifests.filter((manifest) => manifest.implements.length > 0).map(({ name }) => name);
const all = shop.manifests.map(({ name }) => name);

const principalOf = (text: string) => /^cluster\.local\/ns\/shop\/sa\/(.+)$/.exec(text)?.[1] ?? text;

describe('the call graph of the manifests', function () {
  this.timeout(60_000);
  const objects = render({ profile: 'istio' });
  const policies = byName(objects, 'AuthorizationPolicy');
  const networks = byName(objects, 'NetworkPolicy');
  const scopes = byName(objects, 'Sidecar');

  it('is, method for method, what Istio lets through', () => {
    const allowed = services.flatMap((callee) =>
      rulesOf(policies.get(callee)).flatMap(({ callers, paths }) =>
        paths
          .filter((path) => !path.startsWith('/grpc.'))
          .flatMap((path) => callers.map((caller) => `${caller} ${callee} ${path}`)),
      ),
    );
    expect(allowed.sort()).to.deep.equal(declared);
  });

  it('leaves health and reflection to the gateway and to tests', () => {
    for (const callee of services) {
      const others = rulesOf(policies.get(callee)).filter(({ paths }) =>
        paths.some((path) => path.startsWith('/grpc.')),
      );
      for (const { callers } of others) expect(callers, callee).to.have.members(['gateway', 'shop-tests']);
      expect(others.flatMap(({ paths }) => paths)).to.have.members([
        '/grpc.health.v1.Health/*',
        '/grpc.reflection.v1.ServerReflection/*',
        '/grpc.reflection.v1alpha.ServerReflection/*',
      ]);
    }
  });

  it('has a policy for each service, names a port in each rule, and denies all else in the namespace', () => {
    for (const callee of services)
      for (const rule of policies.get(callee)?.['spec'].rules ?? [])
        expect(rule.to[0].operation.ports, callee).to.deep.equal(['50051']);
    expect(policies.get('deny-all')?.['spec']).to.deep.equal({});
    expect(byName(objects, 'PeerAuthentication').get('default')?.['spec']).to.deep.equal({
      mtls: { mode: 'STRICT' },
    });
  });

  it('is, service for service, what NetworkPolicy lets in', () => {
    const incoming = services.flatMap((callee) =>
      peersAt(networks.get(callee)?.['spec'].ingress, 'from', 50051)
        .filter((caller) => caller !== 'shop-tests')
        .map((caller) => `${caller} ${callee}`),
    );
    // The edge asks the health of each; it calls each anyway.
    expect(incoming.sort()).to.deep.equal(edges);
  });

  it('is what NetworkPolicy lets out', () => {
    const outgoing = all.flatMap((caller) =>
      peersAt(networks.get(caller)?.['spec'].egress, 'to', 50051).map((callee) => `${caller} ${callee}`),
    );
    expect(outgoing.sort()).to.deep.equal(edges);
  });

  it("is what each service's sidecar knows", () => {
    const known = all.flatMap((caller) =>
      hostsOf(scopes.get(caller))
        .filter((host) => services.includes(host))
        .map((callee) => `${caller} ${callee}`),
    );
    expect(known.sort()).to.deep.equal(edges);
  });

  for (const [server, port] of Object.entries(serverPorts)) {
    describe(`and ${server}`, () => {
      const extra = ['shop-tests', 'databases'];
      const users = shop.manifests.filter((manifest) => usesServer(manifest, server)).map(({ name }) => name);
      const ours = (names: readonly string[]) => names.filter((name) => !extra.includes(name));

      it('is connected to by who declares it, and by nobody else', () => {
        const [rule] = policies.get(server)?.['spec'].rules ?? [];
        expect(ours(rule.from[0].source.principals.map(principalOf))).to.have.members(users);
        expect(rule.to[0].operation.ports).to.include(String(port));
        expect(ours(peersAt(networks.get(server)?.['spec'].ingress, 'from', port))).to.have.members(users);
      });

      it('is reachable from who declares it, and from nobody else', () => {
        expect(
          all.filter((name) => peersAt(networks.get(name)?.['spec'].egress, 'to', port).includes(server)),
        ).to.have.members(users);
        expect(all.filter((name) => hostsOf(scopes.get(name)).includes(server))).to.have.members(users);
      });
    });
  }

  it('reaches servers outside where their addresses say, by the port that their scheme means', () => {
    const outside = [...byName(render({ profile: 'production' }), 'ServiceEntry').values()].map(
      ({ spec }) => [spec.hosts[0], spec.ports[0].number, spec.ports[0].protocol],
    );
    expect(outside).to.have.deep.members([
      ['cards.example', 443, 'TLS'],
      ['consul.example', 8501, 'TLS'],
      ['redis.example', 6380, 'TLS'],
    ]);
    const payment = byName(render({ profile: 'production' }), 'Sidecar').get('payment')?.['spec'].egress[0]
      .hosts;
    expect(payment).to.include.members([
      './cards.example',
      'databases/postgres-rw.databases.svc.cluster.local',
      'observability/otel-collector.observability.svc.cluster.local',
    ]);
  });

  it('is the same in ambient, where waypoints judge', () => {
    const ambient = byName(render({ profile: 'ambient' }), 'AuthorizationPolicy');
    for (const callee of services) {
      expect(rulesOf(ambient.get(callee)), callee).to.deep.equal(rulesOf(policies.get(callee)));
      expect(ambient.get(callee)?.['spec'].targetRefs).to.deep.equal([
        { kind: 'Service', group: '', name: callee },
      ]);
    }
  });

  it('is the same for one service that is a release of its own', () => {
    const one = render({ chart: 'helm/service', release: 'order', files: ['helm/shop/services/order.yaml'] });
    for (const object of one) {
      const inShop = objects.find(
        (other) => other.kind === object.kind && other.metadata.name === object.metadata.name,
      );
      expect(object, `${object.kind} ${object.metadata.name}`).to.deep.equal(inShop);
    }
    expect(one.map(({ kind }) => kind)).to.include.members([
      'Deployment',
      'Service',
      'AuthorizationPolicy',
      'Sidecar',
    ]);
  });
});

interface Rule {
  readonly callers: readonly string[];
  readonly paths: readonly string[];
}

function rulesOf(policy: Rendered | undefined): Rule[] {
  return policy?.['spec'].rules.map(
    (rule: { from: { source: { principals: string[] } }[]; to: { operation: { paths?: string[] } }[] }) => ({
      callers: rule.from.flatMap(({ source }) => source.principals.map(principalOf)),
      paths: rule.to.flatMap(({ operation }) => operation.paths ?? []),
    }),
  );
}

interface NetworkRule {
  readonly ports?: readonly { readonly port: number }[];
  readonly from?: readonly Peer[];
  readonly to?: readonly Peer[];
}
interface Peer {
  readonly podSelector?: { readonly matchLabels?: { readonly app?: string } };
}

/** The apps that a NetworkPolicy's rules name for a port. */
function peersAt(rules: readonly NetworkRule[] | undefined, side: 'from' | 'to', port: number): string[] {
  return (rules ?? [])
    .filter(({ ports = [] }) => ports.some((one) => one.port === port))
    .flatMap((rule) => (rule[side] ?? []).flatMap(({ podSelector }) => podSelector?.matchLabels?.app ?? []));
}

/** The names of this namespace that a sidecar knows. */
function hostsOf(sidecar: Rendered | undefined): string[] {
  return sidecar?.['spec'].egress.flatMap(({ hosts }: { hosts: string[] }) =>
    hosts.flatMap((host) => /^\.\/([a-z-]+)\.shop\.svc\.cluster\.local$/.exec(host)?.[1] ?? []),
  );
}
