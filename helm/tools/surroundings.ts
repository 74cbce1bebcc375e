import { serverPorts } from './server-users.js';

/** A rule or a peer of a NetworkPolicy. */
export type Rule = Readonly<Record<string, unknown>>;

/** Where services find a server. */
export interface Place {
  readonly port: number;
  readonly peer: Rule;
  /** As a Sidecar names it. */
  readonly host: string;
  /** Whether it is a pod of the release, with policies of its own. */
  readonly inside: boolean;
}

/** What stands around the services in a profile: values-<profile>.yaml says it, the manifests don't. */
export interface Surroundings {
  readonly dataPlane: 'none' | 'sidecar' | 'ambient';
  readonly servers: Readonly<Record<string, Place>>;
  /** Who may come to the edge; everybody, where it is not said. */
  readonly guests?: readonly Rule[];
  readonly prometheus: Rule;
  /** Where spans go: a NetworkPolicy's rule, and a Sidecar's name of it. */
  readonly spans: Rule;
  readonly spansHost: string;
  /** Where Jaeger is, where the release has it. */
  readonly jaegerNamespace?: string;
  /** Whether `helm test` has pods. */
  readonly tests: boolean;
  /** Whether Prometheus, Grafana and the autoscaler are of the release. */
  readonly watchers?: boolean;
  readonly edgePrincipal: string;
  /** Where the edge listens for HTTP: 443 where it has a certificate. */
  readonly edgePort: 80 | 443;
}

export const pods = (app: string): Rule => ({ podSelector: { matchLabels: { app } } });
export const inNamespace = (name: string): Rule => ({
  namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': name } },
});
export const tcp = (...ports: readonly number[]): Rule[] => ports.map((port) => ({ protocol: 'TCP', port }));

const prometheus = { podSelector: { matchLabels: { 'app.kubernetes.io/name': 'prometheus' } } };
const anywhere = { ipBlock: { cidr: '0.0.0.0/0' } };
const inside = Object.fromEntries(
  Object.entries(serverPorts).map(([name, port]) => [
    name,
    { port, peer: pods(name), host: `./${name}.shop.svc.cluster.local`, inside: true },
  ]),
);
/** @param host as a Sidecar names it: a server in another namespace of the cluster begins with that. */
const outside = (port: number, host: string): Place => {
  const namespace = host.split('/')[0] ?? '.';
  return { port, peer: namespace === '.' ? anywhere : inNamespace(namespace), host, inside: false };
};
const { postgres: _none, ...withoutPostgres } = inside;

const istio: Surroundings = {
  dataPlane: 'sidecar',
  servers: inside,
  prometheus,
  spans: { to: [{ ...pods('jaeger'), ...inNamespace('observability') }], ports: tcp(4317, 4318) },
  spansHost: 'observability/jaeger-collector.observability.svc.cluster.local',
  jaegerNamespace: 'observability',
  tests: true,
  edgePrincipal: 'cluster.local/ns/shop/sa/shop-istio',
  edgePort: 80,
};

export const surroundings = {
  minimal: {
    ...istio,
    dataPlane: 'none',
    servers: withoutPostgres,
    spans: { to: [pods('jaeger')], ports: tcp(4317, 4318) },
    jaegerNamespace: 'shop',
  },
  istio,
  ambient: { ...istio, dataPlane: 'ambient' },
  production: {
    dataPlane: 'sidecar',
    servers: {
      consul: outside(8501, './consul.example'),
      redis: outside(6380, './redis.example'),
      postgres: outside(5432, 'databases/postgres-rw.databases.svc.cluster.local'),
      'card-processor': outside(443, './cards.example'),
      'mail-sink': outside(587, 'mail/relay.mail.svc.cluster.local'),
    },
    guests: [
      inNamespace('istio-ingress'),
      { podSelector: { matchLabels: { 'gateway.networking.k8s.io/gateway-name': 'shop' } } },
    ],
    prometheus: { ...prometheus, ...inNamespace('monitoring') },
    spans: { to: [inNamespace('observability')], ports: tcp(4318) },
    spansHost: 'observability/otel-collector.observability.svc.cluster.local',
    tests: false,
    edgePrincipal: istio.edgePrincipal,
    edgePort: 443,
  },
} as const satisfies Record<string, Surroundings>;
