import type { MethodPolicy } from '../../mesh/contract/policy.js';
import { mayRepeat } from '../../mesh/resilience/repeatable.js';
import { environmentName, keepsThings, type Manifest } from '../../mesh/runtime/manifest.js';
import type { LoadedShop } from '../../mesh/shape/loaded-shop.js';
import { redisRulesOf } from '../../mesh/shape/servers/redis-users.js';

/** What the charts know of a service: nothing that its manifest and the contracts do not say. */
export interface ServiceContract {
  readonly name: string;
  /** `edge`: the front door, which implements no contract and serves HTTP beside gRPC. */
  readonly kind: 'grpc' | 'edge';
  readonly criticality: Manifest['criticality'];
  /** Full names of proto services. */
  readonly implements: readonly string[];
  readonly methods: readonly ContractMethod[];
  /** Callee to paths, sorted. */
  readonly calls: Readonly<Record<string, readonly string[]>>;
  /** Caller to paths: the same edges from the other end. */
  readonly callers: Readonly<Record<string, readonly string[]>>;
  /** Who asks for its health by gRPC. */
  readonly healthCallers: readonly string[];
  /** Whether users' tokens decide who may call some of its methods. */
  readonly userTokens: boolean;
  readonly backends: Manifest['backends'];
  /** Whether it keeps anything in a database; who consumes events does, since its inbox is there. */
  readonly database: boolean;
  /** Setting to its environment variable and default. */
  readonly settings: Readonly<Record<string, { readonly env: string; readonly default: string }>>;
  /** Secret to its length in bytes. */
  readonly secrets: Readonly<Record<string, number>>;
  /** What its user may do in Redis where that is the bus, and where it is not. Empty: it has no user there. */
  readonly redisRules: { readonly bus: string; readonly documents: string };
  readonly scale: Manifest['scale'];
  readonly resources: Manifest['resources'];
}

/** A method as a router needs to know it. */
export interface ContractMethod {
  /** `/meshmart.cart.v1.CartService/AddItem` */
  readonly path: string;
  /** How long a caller waits at most. */
  readonly deadlineMs: number;
  /** Whether a call may be made twice without harm. */
  readonly repeatable: boolean;
}

/** The contracts of all services, sorted by name. */
export function serviceContracts(shop: LoadedShop): ServiceContract[] {
  return shop.manifests.map((manifest) => contractOf(manifest, shop));
}

function contractOf(manifest: Manifest, shop: LoadedShop): ServiceContract {
  const { name, criticality, settings, secrets, scale, resources } = manifest;
  const edge = manifest.implements.length === 0;
  const policies = [...shop.policies.values()].filter(({ service }) => manifest.implements.includes(service));
  return {
    name,
    kind: edge ? 'edge' : 'grpc',
    criticality,
    implements: manifest.implements,
    methods: policies.map(methodOf),
    calls: callsOf(manifest, shop),
    callers: Object.fromEntries(
      shop.manifests
        .map((caller) => [caller.name, callsOf(caller, shop)[name] ?? []] as const)
        .filter(([, paths]) => paths.length > 0),
    ),
    healthCallers: edge ? [] : shop.manifests.filter(isEdge).map((caller) => caller.name),
    userTokens: edge || policies.some(({ exposure }) => exposure === 'user' || exposure === 'operator'),
    backends: manifest.backends,
    database: keepsThings(manifest),
    settings: Object.fromEntries(
      Object.entries(settings).map(([setting, declared]) => [
        setting,
        { env: environmentName(name, setting, declared), default: declared.default },
      ]),
    ),
    secrets: Object.fromEntries(Object.entries(secrets).map(([secret, { bytes }]) => [secret, bytes])),
    redisRules: {
      bus: redisRulesOf(manifest, 'redis'),
      documents: manifest.backends.includes('redis') ? redisRulesOf(manifest, 'kafka') : '',
    },
    scale,
    resources,
  };
}

function isEdge(manifest: Manifest): boolean {
  return manifest.implements.length === 0;
}

function methodOf(policy: MethodPolicy): ContractMethod {
  return { path: policy.path, deadlineMs: policy.deadlineMs, repeatable: mayRepeat(policy) };
}

/** Callee to the paths that a service calls there. */
function callsOf(manifest: Manifest, { owners }: LoadedShop): Record<string, string[]> {
  const calls: Record<string, string[]> = {};
  for (const call of [...manifest.calls].sort()) {
    const callee = owners.get(call.split('/')[0] ?? '');
    if (callee === undefined) throw new Error(`${manifest.name} calls ${call}, which nobody implements`);
    calls[callee] = [...(calls[callee] ?? []), `/${call}`];
  }
  return calls;
}
