import type { Manifest } from '../../mesh/runtime/manifest.js';
import type { LoadedShop } from '../../mesh/shape/loaded-shop.js';
import { calleesOf, callersOf, clientsOf, isEdge, portsOf } from './declared-calls.js';
import { usesServer } from './server-users.js';
import type { Rule, Surroundings } from './surroundings.js';

const principal = (name: string) => `cluster.local/ns/shop/sa/${name}`;

/** A rule of an AuthorizationPolicy: who, and what. */
const lets = (principals: readonly string[], operation: Rule): Rule => ({
  from: [{ source: { principals } }],
  to: [{ operation }],
});

/** The whole of every AuthorizationPolicy of the release, by name, from the manifests. */
export function declaredAuthorization(shop: LoadedShop, around: Surroundings): Record<string, Rule> {
  const ambient = around.dataPlane === 'ambient';
  const ofPods = (app: string, rules: readonly Rule[]): Rule => ({
    selector: { matchLabels: { app } },
    action: 'ALLOW',
    rules,
  });
  const ofService = (name: string, rules: readonly Rule[]): Rule =>
    ambient
      ? { targetRefs: [{ kind: 'Service', group: '', name }], action: 'ALLOW', rules }
      : ofPods(name, rules);
  const servers = Object.entries(around.servers).filter(([, { inside }]) => inside);
  return {
    'deny-all': {},
    // The edge's own proxy lets everybody in; the gateway lets in that proxy.
    edge: {
      targetRefs: [{ group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'shop' }],
      action: 'ALLOW',
      rules: [{}],
    },
    ...Object.fromEntries(
      shop.manifests.map((manifest) => [
        manifest.name,
        ofService(manifest.name, rulesOf(manifest, shop, around)),
      ]),
    ),
    ...Object.fromEntries(
      servers.map(([server, { port }]) => {
        const clients = clientsOf(server, around.tests, shop).map(principal);
        return [server, ofPods(server, [lets(clients, { ports: portsOf(server, port).map(String) })])];
      }),
    ),
    // Below a waypoint, pods hear it and nobody beside it.
    ...Object.fromEntries(
      (ambient ? shop.manifests : []).map((manifest) => {
        const principals = [principal('waypoint'), ...(isEdge(manifest) ? [around.edgePrincipal] : [])];
        return [`${manifest.name}-pods`, ofPods(manifest.name, [{ from: [{ source: { principals } }] }])];
      }),
    ),
  };
}

function rulesOf(manifest: Manifest, shop: LoadedShop, around: Surroundings): Rule[] {
  const tests = around.tests ? [principal('shop-tests')] : [];
  if (isEdge(manifest)) return [lets([around.edgePrincipal, ...tests], { ports: ['8080', '50051'] })];
  const watchers = [...shop.manifests.filter(isEdge).map(({ name }) => principal(name)), ...tests];
  return [
    ...[...callersOf(manifest, shop)].map(([caller, paths]) =>
      lets([principal(caller)], { ports: ['50051'], methods: ['POST'], paths }),
    ),
    lets(watchers, { ports: ['50051'], paths: ['/grpc.health.v1.Health/*'] }),
    lets(watchers, {
      ports: ['50051'],
      paths: ['/grpc.reflection.v1.ServerReflection/*', '/grpc.reflection.v1alpha.ServerReflection/*'],
    }),
  ];
}

/** The whole of every Sidecar of the release, by name: what each proxy knows, and that it knows nothing else. */
export function declaredScopes(shop: LoadedShop, around: Surroundings): Record<string, Rule> {
  const always = [around.spansHost, 'istio-system/*'];
  const knows = (hosts: readonly string[], app?: string): Rule => ({
    ...(app === undefined ? {} : { workloadSelector: { labels: { app } } }),
    outboundTrafficPolicy: { mode: 'REGISTRY_ONLY' },
    egress: [{ hosts: [...hosts, ...always] }],
  });
  const postgres = around.servers['postgres'];
  return {
    default: knows([]),
    ...Object.fromEntries(
      shop.manifests.map((manifest) => [
        manifest.name,
        knows(
          [
            ...[...calleesOf(manifest, shop).keys()].map((callee) => `./${callee}.shop.svc.cluster.local`),
            ...Object.entries(around.servers)
              .filter(([server]) => usesServer(manifest, server))
              .map(([, { host }]) => host),
          ],
          manifest.name,
        ),
      ]),
    ),
    ...(postgres === undefined ? {} : { databases: knows([postgres.host], 'databases') }),
    ...(around.tests ? { 'shop-tests': knows(['./*'], 'shop-tests') } : {}),
  };
}
