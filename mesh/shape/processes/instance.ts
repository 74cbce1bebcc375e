import { registerMeshRoundRobin } from '../../balancing/mesh-round-robin.js';
import { deadLetterQueues } from '../../bus/dead-letter-queues.js';
import { bytesToMaskedJson } from '../../contract/masked-json.js';
import { protectWire } from '../../resilience/protect-wire.js';
import { serviceConfigFor } from '../../resilience/retry-policy.js';
import type { Dispatch } from '../../rpc/wire.js';
import { machineAmbient } from '../../runtime/ambient.js';
import { openDataFiles } from '../../runtime/data-folder.js';
import type { ServiceHealth } from '../../runtime/edge.js';
import type { HostWorld } from '../../runtime/host.js';
import { smtpMailSender } from '../../runtime/mail.js';
import { machineHttp } from '../../runtime/outgoing-http.js';
import { declaredSecrets, secretSource } from '../../runtime/secret-source.js';
import { settingsOf } from '../../runtime/setting.js';
import type { SchemaStep } from '../../store/schema-step.js';
import type { EdgeMetrics } from '../../telemetry/client-metrics.js';
import { createEdgeMemory } from '../../telemetry/edge-memory.js';
import { watchEventLoop } from '../../telemetry/event-loop.js';
import { createMetrics } from '../../telemetry/metrics.js';
import { readAdminToken } from '../admin-access.js';
import { openAdminPort } from '../admin-port.js';
import { consumersOf, loadModule } from '../loaded-shop.js';
import { type Opened, opening } from '../opened.js';
import { createReadinessWatch } from '../readiness.js';
import { openShapeLog } from '../shape-log.js';
import { openSpans } from '../spans.js';
import { openBackends } from './backends.js';
import type { InstanceAddresses } from './channel.js';
import { bindEdge } from './edge-binding.js';
import type { InstanceOptions } from './instance-parts.js';
import { readPlace } from './instance-place.js';
import { openNeighbours } from './neighbours.js';
import { bindService } from './service-binding.js';
import { openServiceStore } from './service-store.js';

/** An instance that serves. */
export interface RunningInstance {
  readonly addresses: InstanceAddresses;
  onHealth(listener: (health: Pick<ServiceHealth, 'serving' | 'problem'>) => void): void;
  /** Not serving, deregister, wait for clients to know, drain, close. */
  stop(): Promise<void>;
}

/** How long after its deregistration an instance serves on: every client has heard of it by then. */
const settleMs = 500;

/** How often an instance looks whether its event loop lags: often enough for a mean over seconds, and hardly work. */
const lagEveryMs = 100;

/**
 * The life cycle of one instance, in order: load, build, listen, healthy, register; and on the way out: not serving,
 * deregister, wait, drain, close. Everything that was opened is closed again when a later step fails.
 * @throws StartupError for what a person can mend.
 */
export function startInstance(options: InstanceOptions): Promise<RunningInstance> {
  return opening((opened) => start(options, opened));
}

async function start(options: InstanceOptions, opened: Opened): Promise<RunningInstance> {
  const { shop, manifest, environment, id } = options;
  const { name } = manifest;
  const place = readPlace(environment);

  // Load.
  const data = openDataFiles(options.dataFolder);
  const openedLog = openShapeLog(data, environment, id.replace(/\.\d+$/, ''));
  opened.push(() => openedLog.close());
  const log = openedLog.service(name).child({ instance: id });
  const module = await loadModule(manifest);

  // Build.
  const ambient = machineAmbient();
  const spans = await openSpans({ environment, version: shop.version, ambient, log, fallback: 'otlp' });
  opened.push(() => spans.close());
  const tracer = spans.tracerOf(name);
  const metrics = createMetrics({ version: shop.version, shape: 'processes', clock: ambient.clock });
  opened.push(
    watchEventLoop({ ...ambient, everyMs: lagEveryMs }, (lagMs) => metrics.eventLoopLag(lagMs / 1_000)),
  );
  const edges = createEdgeMemory();
  const backends = await openBackends({
    manifest,
    manifests: shop.manifests,
    id,
    environment,
    ambient,
    log,
    tracer,
  });
  opened.push(() => backends.close());
  // Each instance knows the dead letters of its own service: it may not read those of others everywhere.
  const groups = consumersOf([manifest]);
  const deadLetters = deadLetterQueues({
    bus: backends.bus,
    groups,
    toJson: (type, bytes) => bytesToMaskedJson(shop.contract, type, bytes),
  });
  if (groups.length > 0) metrics.deadLetters(deadLetters.counts);
  const edgeMetrics = new Map<string, EdgeMetrics>();
  const metricsTo = (callee: string) => {
    const made = edgeMetrics.get(callee) ?? metrics.edge(name, callee);
    edgeMetrics.set(callee, made);
    return made;
  };
  registerMeshRoundRobin({
    clock: ambient.clock,
    random: ambient.random,
    log,
    onChange: ({ now }, callee) => {
      if (now === 'ejected') metricsTo(callee).ejected();
    },
  });
  const manifestOf = (callee: string) => {
    const found = shop.manifests.find((candidate) => candidate.name === callee);
    if (found === undefined) throw new Error(`there is no service '${callee}'`);
    return found;
  };
  const http = machineHttp();
  const neighbours = openNeighbours({
    shop,
    manifest,
    id,
    data,
    environment,
    place,
    ambient,
    log,
    http,
    serviceConfig: (callee) => serviceConfigFor(manifestOf(callee).implements, shop.policies),
    protect: (wire, callee) =>
      protectWire(wire, {
        callee,
        criticality: manifestOf(callee).criticality,
        contract: shop.contract,
        ambient,
        log,
        onBreaker: ({ word }) => metricsTo(callee).breaker(word === 'open'),
        onReject: () => metricsTo(callee).rejected(),
        onFallback: (method) => metricsTo(callee).fallback(method),
      }),
    repeats: metricsTo,
  });
  opened.push(() => neighbours.close());
  const mail = smtpMailSender(
    () => environment['SMTP_URL'] || 'smtp://127.0.0.1:2525',
    'Meshmart <shop@meshmart.example>',
  );
  opened.push(() => mail.close());
  const world: HostWorld = {
    ...shop,
    ambient,
    bus: backends.bus,
    metrics,
    tracerOf: spans.tracerOf,
    logOf: () => log,
    mail,
    http,
    wires: () => neighbours.wireTo,
    ownerOf: (service) => shop.owners.get(service),
  };
  const hostedOptions = async (schema: readonly SchemaStep[]) => ({
    manifest,
    store: await openServiceStore(
      { service: name, id, schema, data, ambient, log, metrics, tracer },
      environment,
    ),
    setting: settingsOf(manifest, environment, {}),
    secret: declaredSecrets(manifest, secretSource(environment, data.file('secrets'), ambient.random)),
    documents: backends.documents,
    instance: id,
  });

  // Listen.
  const watching = (dispatch: Dispatch) => edges.watching(dispatch);
  const parts = { options, place, world, hostedOptions, neighbours, backends, watching };
  const binding =
    module.service === undefined ? await bindEdge(parts, module) : await bindService(parts, module.service);
  opened.push(() => binding.close());
  const readiness = createReadinessWatch(ambient, async () => {
    const { serving, problem } = await binding.health();
    return { ready: serving, services: [{ name, criticality: manifest.criticality, serving, problem }] };
  });
  opened.push(() => readiness.stop());
  const admin = await openAdminPort(place.adminHost, place.adminPort, {
    metrics: metrics.text,
    readiness: readiness.current,
    status: async () => ({
      id,
      service: name,
      version: shop.version,
      pid: process.pid,
      ...(await readiness.current()),
    }),
    spansOfOrder: spans.memory.byOrder,
    spansOfTrace: spans.memory.byTrace,
    recentSpans: spans.memory.recent,
    edges: edges.seen,
    deadLetters: {
      queues: deadLetters,
      token: readAdminToken(data.file('secrets'), ambient.random),
    },
  });
  opened.push(() => admin.close());

  // Healthy, register.
  await readiness.current();
  const addresses: InstanceAddresses = { ...binding.addresses, adminUrl: admin.url };
  const registration = await neighbours.register(
    addresses,
    () => readiness.last().services[0] ?? { serving: false },
  );
  await binding.begin();
  let stopped: Promise<void> | undefined;
  return {
    addresses,
    onHealth: (listener) => {
      const tell = () => {
        const [health] = readiness.last().services;
        if (health !== undefined) listener({ serving: health.serving, problem: health.problem });
      };
      readiness.onChange(tell);
      tell();
    },
    stop: () => {
      stopped ??= (async () => {
        readiness.notServing();
        await registration.deregister();
        await ambient.timers.sleep(settleMs);
        await binding.drain(place.drainMs);
        await opened.close();
      })();
      return stopped;
    },
  };
}
