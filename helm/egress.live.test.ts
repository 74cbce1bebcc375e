import { expect } from 'chai';
import { loadShop } from '../mesh/shape/loaded-shop.js';
import { byName, type Rendered, render } from './tools/rendered.js';
import { usesServer } from './tools/server-users.js';

interface Peer {
  readonly ipBlock?: { readonly cidr: string };
  readonly namespaceSelector?: { readonly matchLabels: Readonly<Record<string, string>> };
  readonly podSelector?: object;
}
interface Rule {
  readonly to?: readonly Peer[];
  readonly from?: readonly Peer[];
  readonly ports?: readonly { readonly protocol: string; readonly port: number }[];
}

/** `place port` of what a rule names by addresses or by a namespace. */
function placesOf(rules: readonly Rule[]): string[] {
  return rules.flatMap(({ to = [], from = [], ports = [] }) =>
    [...to, ...from]
      .filter(({ podSelector }) => podSelector === undefined)
      .flatMap(({ ipBlock, namespaceSelector }) =>
        ports.map(
          ({ port }) =>
            `${ipBlock?.cidr ?? namespaceSelector?.matchLabels['kubernetes.io/metadata.name']} ${port}`,
        ),
      ),
  );
}

describe('what the network policies let out to servers of others', function () {
  this.timeout(60_000);
  const egressOf = (objects: readonly Rendered[], name: string) =>
    placesOf(byName(objects, 'NetworkPolicy').get(name)?.['spec'].egress).filter(
      (place) => !/^(kube-system|istio-system) /.test(place),
    );
  const production = render({ profile: 'production' });

  it('is a namespace where they are in the cluster, because not every network plugin takes pods for addresses', () => {
    const everybody = ['0.0.0.0/0 8501', 'observability 4318'];
    const more: Readonly<Record<string, readonly string[]>> = {
      notification: ['mail 587'],
      payment: ['0.0.0.0/0 443'],
    };
    for (const manifest of loadShop().manifests) {
      const { name } = manifest;
      const found = egressOf(production, name);
      expect(found, name).to.include.members([...everybody, ...(more[name] ?? [])]);
      expect(found.includes('databases 5432'), name).to.equal(usesServer(manifest, 'postgres'));
    }
    expect(egressOf(production, 'databases')).to.have.members(['databases 5432', 'observability 4318']);
  });

  it("is the same without the cluster's domain, and their sidecars know them by the whole name", () => {
    const short = render({
      profile: 'production',
      set: [
        'postgres.address=postgres://meshmart_admin@postgres-rw.databases.svc:5432',
        'jaeger.address=http://otel-collector.observability.svc:4318',
        'mailSink.address=smtp://relay.mail.svc:587',
      ],
    });
    for (const kind of ['NetworkPolicy', 'Sidecar', 'ServiceEntry'])
      for (const [name, object] of byName(production, kind))
        expect(byName(short, kind).get(name), `${kind} ${name}`).to.deep.equal(object);
    expect([...byName(short, 'ServiceEntry').keys()]).to.have.members([
      ...byName(production, 'ServiceEntry').keys(),
    ]);
  });

  it('lets spans of another release in to the Jaeger that is started here, and no more than spans', () => {
    const ingress = (set: readonly string[]) =>
      placesOf(byName(render({ set }), 'NetworkPolicy').get('jaeger')?.['spec'].ingress);
    const usual = ingress([]);
    expect(ingress(['networkPolicy.spanNamespaces={shop-b}'])).to.deep.equal([
      ...usual,
      'shop-b 4317',
      'shop-b 4318',
    ]);
  });
});
