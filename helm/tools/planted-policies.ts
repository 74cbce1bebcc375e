import type { Rendered } from './rendered.js';

/** What the planted fault is, in which policy it is planted, and how: in its spec, or beside it. */
export type Plant = readonly [
  title: string,
  kind: string,
  name: string,
  // biome-ignore lint/suspicious/noExplicitAny: as many shapes as there are kinds.
  plant: (spec: any, objects: Rendered[]) => void,
];

const anywhere = { ipBlock: { cidr: '0.0.0.0/0' } };

/** Faults that open the shop to who is not declared: the comparison with the manifests must see each. */
export const plants: readonly Plant[] = [
  ['lets in everybody', 'NetworkPolicy', 'payment', (spec) => spec.ingress.push({})],
  ['lets in a caller by any port', 'NetworkPolicy', 'payment', (spec) => delete spec.ingress[0].ports],
  ['lets in callers from anywhere', 'NetworkPolicy', 'payment', (spec) => delete spec.ingress[0].from],
  ['lets in all addresses', 'NetworkPolicy', 'payment', (spec) => spec.ingress[0].from.push(anywhere)],
  [
    'lets in all pods of the namespace',
    'NetworkPolicy',
    'payment',
    (spec) => spec.ingress[0].from.push({ podSelector: {} }),
  ],
  [
    'lets in callers of all namespaces',
    'NetworkPolicy',
    'payment',
    (spec) => Object.assign(spec.ingress[0].from[0], { namespaceSelector: {} }),
  ],
  [
    'lets in a range of ports',
    'NetworkPolicy',
    'payment',
    (spec) => (spec.ingress[0].ports[0].endPort = 65_535),
  ],
  ['lets out to everywhere', 'NetworkPolicy', 'payment', (spec) => spec.egress.push({})],
  ['lets out to all addresses', 'NetworkPolicy', 'payment', (spec) => spec.egress.push({ to: [anywhere] })],
  ['judges only what comes in', 'NetworkPolicy', 'payment', (spec) => spec.policyTypes.pop()],
  ['is of other pods', 'NetworkPolicy', 'payment', (spec) => (spec.podSelector.matchLabels.app = 'nobody')],
  [
    'leaves out pods',
    'NetworkPolicy',
    'deny-all',
    (spec) => (spec.podSelector = { matchLabels: { app: 'users' } }),
  ],
  ['lets in everybody to a server', 'NetworkPolicy', 'postgres', (spec) => spec.ingress.push({})],
  ['lets the edge out to everywhere', 'NetworkPolicy', 'edge', (spec) => spec.egress.push({})],
  ['stands beside the others', 'NetworkPolicy', 'deny-all', copied({ podSelector: {}, ingress: [{}] })],
  ['allows everything', 'AuthorizationPolicy', 'payment', (spec) => spec.rules.push({})],
  [
    'allows every path',
    'AuthorizationPolicy',
    'payment',
    (spec) => delete spec.rules[0].to[0].operation.paths,
  ],
  ['allows every caller', 'AuthorizationPolicy', 'payment', (spec) => delete spec.rules[0].from],
  ['allows a caller everything', 'AuthorizationPolicy', 'payment', (spec) => delete spec.rules[0].to],
  [
    'allows a whole namespace',
    'AuthorizationPolicy',
    'payment',
    (spec) => spec.rules[0].from.push({ source: { namespaces: ['*'] } }),
  ],
  [
    'allows every caller of the gateway',
    'AuthorizationPolicy',
    'gateway',
    (spec) => delete spec.rules[0].from,
  ],
  [
    'allows a second caller of the gateway',
    'AuthorizationPolicy',
    'gateway',
    (spec) => spec.rules[0].from[0].source.principals.push('cluster.local/ns/shop/sa/cart'),
  ],
  ['allows everybody a server', 'AuthorizationPolicy', 'redis', (spec) => delete spec.rules[0].from],
  ['denies nothing', 'AuthorizationPolicy', 'deny-all', (spec) => (spec.rules = [{}])],
  ['only audits', 'AuthorizationPolicy', 'payment', (spec) => (spec.action = 'AUDIT')],
  ['stands beside the others', 'AuthorizationPolicy', 'deny-all', copied({ action: 'ALLOW', rules: [{}] })],
  ['asks for no identity', 'PeerAuthentication', 'default', (spec) => (spec.mtls.mode = 'PERMISSIVE')],
  ['knows every host', 'Sidecar', 'cart', (spec) => spec.egress[0].hosts.push('*/*')],
  ['goes where it knows nobody', 'Sidecar', 'cart', (spec) => delete spec.outboundTrafficPolicy],
];

/** Plants another policy, and leaves the one that is there. */
function copied(spec: Rendered['spec']): Plant[3] {
  return (_spec, objects) => {
    const kind = Object.hasOwn(spec, 'action') ? 'AuthorizationPolicy' : 'NetworkPolicy';
    objects.push({ apiVersion: 'v1', kind, metadata: { name: 'open', namespace: 'shop' }, spec });
  };
}
