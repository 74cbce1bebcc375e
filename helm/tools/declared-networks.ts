import type { Manifest } from '../../mesh/runtime/manifest.js';
import type { LoadedShop } from '../../mesh/shape/loaded-shop.js';
import { calleesOf, callersOf, clientsOf, isEdge, portsOf } from './declared-calls.js';
import { declaredWatchers, toldAt } from './declared-watchers.js';
import { usesServer } from './server-users.js';
import { inNamespace, pods, type Rule, type Surroundings, tcp } from './surroundings.js';

const dns = { to: [inNamespace('kube-system')], ports: [{ protocol: 'UDP', port: 53 }, ...tcp(53)] };

/** The whole of every NetworkPolicy of the release, by name, from the manifests; its namespace is said where it is another. */
export function declaredNetworks(shop: LoadedShop, around: Surroundings): Record<string, Rule> {
  const postgres = around.servers['postgres'];
  const jaeger = around.jaegerNamespace;
  return {
    'deny-all': {
      podSelector: {
        matchExpressions: [{ key: 'gateway.networking.k8s.io/gateway-name', operator: 'DoesNotExist' }],
      },
      policyTypes: ['Ingress', 'Egress'],
    },
    ...Object.fromEntries(
      shop.manifests.map((manifest) => [manifest.name, networkOf(manifest, shop, around)]),
    ),
    ...Object.fromEntries(
      Object.entries(around.servers)
        .filter(([, { inside }]) => inside)
        .map(([server, { port }]) => {
          const from = clientsOf(server, around.tests, shop).map(pods);
          const ingress = [{ from, ports: tcp(...portsOf(server, port)) }, ...tunnel(around, 'from')];
          return [server, { ...selected(server), ingress, egress: [dns, around.spans, ...mesh(around)] }];
        }),
    ),
    ...(postgres === undefined
      ? {}
      : {
          databases: {
            ...selected('databases'),
            egress: [dns, { to: [postgres.peer], ports: tcp(postgres.port) }, around.spans, ...mesh(around)],
          },
        }),
    ...(jaeger === undefined
      ? {}
      : {
          [jaeger === 'shop' ? 'jaeger' : `${jaeger}/jaeger`]: {
            ...selected('jaeger'),
            ingress: [
              { from: [inNamespace('shop'), inNamespace('istio-system')], ports: tcp(4317, 4318) },
              ...readers(around),
            ],
          },
        }),
    ...(around.dataPlane === 'none' ? {} : { edge: edgeOf(around) }),
    ...(around.tests ? { 'shop-tests': testsOf(around) } : {}),
    ...(around.watchers ? declaredWatchers(around, dns) : {}),
  };
}

function networkOf(manifest: Manifest, shop: LoadedShop, around: Surroundings): Rule {
  const { guests } = around;
  const callers = [
    ...callersOf(manifest, shop).keys(),
    ...shop.manifests.filter(isEdge).map((one) => one.name),
    ...(around.tests ? ['shop-tests'] : []),
  ];
  return {
    ...selected(manifest.name),
    ingress: [
      isEdge(manifest)
        ? { ...(guests === undefined ? {} : { from: guests }), ports: tcp(8080, 50051) }
        : { from: [...new Set(callers)].map(pods), ports: tcp(50051) },
      { from: [around.prometheus], ports: tcp(toldAt(around)) },
      ...(around.watchers ? [{ from: [pods('autoscaler')], ports: tcp(toldAt(around)) }] : []),
      ...tunnel(around, 'from'),
    ],
    egress: [
      dns,
      { to: [...calleesOf(manifest, shop).keys()].map(pods), ports: tcp(50051) },
      ...Object.entries(around.servers)
        .filter(([server]) => usesServer(manifest, server))
        .map(([, { peer, port }]) => ({ to: [peer], ports: tcp(port) })),
      around.spans,
      ...mesh(around),
    ].filter(({ to }) => (to as readonly Rule[]).length > 0),
  };
}

/** The proxy that Istio makes from the Gateway: from everybody to the gateway, and nowhere else. */
function edgeOf(around: Surroundings): Rule {
  return {
    podSelector: { matchLabels: { 'gateway.networking.k8s.io/gateway-name': 'shop' } },
    policyTypes: ['Ingress', 'Egress'],
    ingress: [
      { ports: tcp(around.edgePort, 50051, 15021) },
      { from: [around.prometheus], ports: tcp(15020) },
    ],
    egress: [dns, { to: [pods('gateway')], ports: tcp(8080, 50051) }, around.spans, ...mesh(around)],
  };
}

/** Who may read spans: everybody sends some. */
function readers(around: Surroundings): Rule[] {
  const apps = [...(around.tests ? ['shop-tests'] : []), ...(around.watchers ? ['grafana'] : [])];
  const from = apps.map((app) => ({ ...inNamespace('shop'), ...pods(app) }));
  return from.length === 0 ? [] : [{ from, ports: tcp(16686) }];
}

/** Tests look at every pod of the shop, by any port: what is refused them is refused by who is asked. */
function testsOf(around: Surroundings): Rule {
  const ours = { podSelector: { matchLabels: { 'app.kubernetes.io/part-of': 'meshmart' } } };
  const elsewhere = around.jaegerNamespace === 'shop' ? undefined : around.jaegerNamespace;
  const to = [ours, ...(elsewhere === undefined ? [] : [{ ...pods('jaeger'), ...inNamespace(elsewhere) }])];
  return { ...selected('shop-tests'), egress: [dns, { to }, ...mesh(around)] };
}

const selected = (app: string): Rule => ({ ...pods(app), policyTypes: ['Ingress', 'Egress'] });

/** The mesh's control plane, and its tunnel where that is how pods speak. */
function mesh(around: Surroundings): Rule[] {
  const control = { to: [inNamespace('istio-system')], ports: tcp(15012) };
  return around.dataPlane === 'none' ? [] : [control, ...tunnel(around, 'to')];
}

function tunnel({ dataPlane }: Surroundings, side: 'from' | 'to'): Rule[] {
  return dataPlane === 'ambient' ? [{ [side]: [{ podSelector: {} }], ports: tcp(15008) }] : [];
}
