import { optionMeanings, type ServiceOption } from './option-meanings.js';

/** A JSON schema, draft 7, which Helm checks values against. */
export type Schema = Readonly<Record<string, unknown>>;

const text: Schema = { type: 'string' };
const flag: Schema = { type: 'boolean' };
const count: Schema = { type: 'integer', minimum: 0 };
const positive: Schema = { type: 'integer', minimum: 1 };
/** As Kubernetes counts: 8, 0.5, 500m. To Helm, a fraction of `--set` is a text. */
const quantity: Schema = { type: ['number', 'string'], minimum: 0.001, pattern: '^\\d+(\\.\\d+)?m?$' };
/** What Kubernetes itself checks: its shape is not ours to tell. */
const anyMap: Schema = { type: 'object' };
const anyList: Schema = { type: 'array' };
const textMap: Schema = { type: 'object', additionalProperties: text };
const oneOf = (...words: string[]): Schema => ({ enum: words });

/** An object that takes these keys and no others: a typo is refused. */
function keys(properties: Readonly<Record<string, Schema>>, required: readonly string[] = []): Schema {
  return { type: 'object', additionalProperties: false, properties, required };
}

const image = keys({
  repository: text,
  tag: text,
  digest: { type: 'string', pattern: '^(sha256:[0-9a-f]{64})?$' },
  pullPolicy: oneOf('Always', 'IfNotPresent', 'Never'),
  pullSecrets: { type: 'array', items: text },
  node: text,
  folder: text,
});
const serverResources = keys({ requestMiB: positive, limitMiB: positive, cpuMillis: positive });
/** On which nodes pods may run. */
const placement = {
  nodeSelector: textMap,
  tolerations: anyList,
  affinity: anyMap,
  priorityClassName: text,
};
/** What a pod is given more than the charts know of. */
const extra = { extraEnv: anyList, extraVolumes: anyList, extraVolumeMounts: anyList };
const server = (more: Readonly<Record<string, Schema>> = {}) =>
  keys({
    enabled: flag,
    image,
    program: text,
    userId: positive,
    resources: serverResources,
    ...placement,
    ...more,
  });
const kept = { persistent: flag, sizeMiB: positive, storageClass: text };
const elsewhere = { address: text, existingSecret: text };

/** What may be said about one service: `defaults`, `services.<name>` of helm/shop, `options` of helm/service. */
const serviceOptions: Readonly<Record<ServiceOption, Schema>> = {
  enabled: flag,
  replicas: positive,
  image,
  settings: { type: 'object', additionalProperties: { type: ['string', 'number', 'boolean'] } },
  command: { type: 'array', items: text },
  logLevel: oneOf('debug', 'info', 'warn', 'error', 'silent'),
  resources: keys({ requestMiB: positive, limitMiB: positive, cpuMillis: positive, heapMiB: positive }),
  drain: keys({
    preStopSeconds: count,
    drainSeconds: positive,
    closeSeconds: positive,
    terminationGracePeriodSeconds: positive,
  }),
  autoscaling: keys({
    enabled: flag,
    minReplicas: positive,
    maxReplicas: positive,
    cpuPercent: { type: 'integer', minimum: 1, maximum: 1000 },
    requestsInFlight: quantity,
    eventLoopLagMs: quantity,
    metrics: anyList,
    behavior: anyMap,
  }),
  podDisruptionBudget: keys({ enabled: flag, maxUnavailable: { type: ['integer', 'string'] } }),
  topologySpread: keys({ enabled: flag }),
  canary: keys({
    enabled: flag,
    image,
    replicas: positive,
    weight: { type: 'integer', minimum: 0, maximum: 100 },
  }),
  existingSecret: text,
  ...extra,
  podAnnotations: textMap,
  podLabels: textMap,
  serviceAccountAnnotations: textMap,
  ...placement,
  userId: positive,
};

/** The same with what each is for, said once: where options of every service stand. */
const explainedOptions: Readonly<Record<string, Schema>> = Object.fromEntries(
  Object.entries(serviceOptions).map(([name, schema]) => [
    name,
    { description: optionMeanings[name as ServiceOption], ...schema },
  ]),
);

const paths: Schema = { type: 'array', items: { type: 'string', pattern: '^/' } };

/** The generated part: see service-contract.ts. */
const contract = keys({
  name: { type: 'string', pattern: '^[a-z][a-z0-9-]{0,40}$' },
  kind: oneOf('grpc', 'edge'),
  criticality: oneOf('required', 'optional'),
  implements: { type: 'array', items: text },
  methods: {
    type: 'array',
    items: keys({ path: text, deadlineMs: positive, repeatable: flag }, ['path', 'deadlineMs', 'repeatable']),
  },
  calls: { type: 'object', additionalProperties: paths },
  callers: { type: 'object', additionalProperties: paths },
  healthCallers: { type: 'array', items: text },
  userTokens: flag,
  backends: { type: 'array', items: oneOf('database', 'redis', 'bus', 'mail', 'card-processor') },
  database: flag,
  settings: {
    type: 'object',
    additionalProperties: keys({ env: text, default: text }, ['env', 'default']),
  },
  secrets: { type: 'object', additionalProperties: positive },
  redisRules: keys({ bus: text, documents: text }),
  scale: keys({ min: positive, max: positive }),
  resources: keys({ memoryMiB: positive, cpuMillis: positive }),
});

/** What both charts take. */
const common: Readonly<Record<string, Schema>> = {
  // Told by the template in a sentence when it is none of the four.
  profile: text,
  clusterDomain: text,
  image,
  defaults: keys(explainedOptions),
  secrets: keys({ create: flag, nameFormat: text }),
  store: keys({
    kind: oneOf('sqlite', 'postgres'),
    sqlite: keys(kept),
  }),
  bus: keys({ kind: oneOf('redis', 'rabbitmq', 'kafka'), ...elsewhere }),
  consul: server({ ...elsewhere, ...kept }),
  redis: server({ ...elsewhere, ...kept }),
  postgres: server({ ...elsewhere, ...kept }),
  databases: keys({ ...extra, ...placement }),
  jaeger: server({ address: text, namespace: text }),
  cardProcessor: keys({ enabled: flag, address: text, resources: serverResources, ...placement }),
  mailSink: keys({ enabled: flag, address: text, resources: serverResources, ...placement }),
  autoscaling: keys({
    enabled: flag,
    existingSecret: text,
    caBundle: text,
    kedaNamespace: text,
    userId: positive,
    resources: serverResources,
    ...placement,
  }),
  monitoring: keys({
    serviceMonitor: keys({ enabled: flag, interval: text, labels: textMap }),
    dashboards: keys({ enabled: flag, label: text }),
  }),
  networkPolicy: keys({
    enabled: flag,
    dnsNamespace: text,
    ingressNamespaces: { type: 'array', items: text },
    externalCidr: text,
    istioNamespace: text,
    monitoringNamespace: text,
    spanNamespaces: { type: 'array', items: text },
  }),
  istio: keys({
    enabled: flag,
    dataPlane: oneOf('sidecar', 'ambient'),
    trustDomain: text,
    retries: keys({ attempts: count, retryOn: text }),
    requestAuthentication: keys({ enabled: flag, jwks: text }),
    outlierDetection: keys({
      consecutiveErrors: positive,
      intervalSeconds: positive,
      ejectionSeconds: positive,
      maxEjectionPercent: { type: 'integer', minimum: 0, maximum: 100 },
    }),
    connectionPool: keys({ maxRequests: positive, maxPendingRequests: positive }),
    telemetry: keys({
      enabled: flag,
      provider: text,
      samplingPercent: { type: 'number', minimum: 0, maximum: 100 },
    }),
    gateway: keys({
      kind: oneOf('gateway-api', 'classic', 'none'),
      className: text,
      serviceType: oneOf('LoadBalancer', 'NodePort', 'ClusterIP'),
      tlsSecret: text,
      hosts: { type: 'array', items: text },
      serviceAccount: { type: 'string', pattern: '^([^/]+/[^/]+)?$' },
      selector: textMap,
    }),
    rateLimit: keys({ enabled: flag, requestsPerSecond: positive, burst: positive }),
  }),
  // Helm gives these to every chart, the second because of the library.
  global: anyMap,
  common: anyMap,
};

function schemaOf(title: string, properties: Readonly<Record<string, Schema>>): Schema {
  return { $schema: 'http://json-schema.org/draft-07/schema#', title, ...keys(properties) };
}

/** Of helm/shop. @param services names of the services that it knows. */
export function shopSchema(services: readonly string[]): Schema {
  return schemaOf('Values of the shop', shopProperties(services));
}

/** Of helm/service: it takes the shop's values files, and says in two keys more which service it is. */
export function serviceSchema(services: readonly string[]): Schema {
  return schemaOf('Values of one service', {
    ...shopProperties(services),
    service: contract,
    options: keys(serviceOptions),
  });
}

function shopProperties(services: readonly string[]): Record<string, Schema> {
  return {
    ...common,
    services: keys(Object.fromEntries(services.map((name) => [name, keys(serviceOptions)]))),
    prometheus: server(),
    grafana: server({ home: text }),
    tests: keys({ enabled: flag }),
  };
}
