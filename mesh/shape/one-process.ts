import { deadLetterQueues } from '../bus/dead-letter-queues.js';
import { openEmbeddedBus } from '../bus/embedded-bus.js';
import { bytesToMaskedJson } from '../contract/masked-json.js';
import { inProcessWire } from '../rpc/in-process.js';
import type { Dispatch } from '../rpc/wire.js';
import { machineAmbient } from '../runtime/ambient.js';
import { openDataFolder } from '../runtime/data-folder.js';
import type { EdgeParts, Readiness } from '../runtime/edge.js';
import { createServiceWorld, type HostedService, type HostWorld, hostService } from '../runtime/host.js';
import { smtpMailSender } from '../runtime/mail.js';
import type { Manifest } from '../runtime/manifest.js';
import { machineHttp } from '../runtime/outgoing-http.js';
import { secretsOf } from '../runtime/secret-file.js';
import { type Environment, settingsOf } from '../runtime/setting.js';
import { StartupError } from '../runtime/startup-error.js';
import { openLogFile } from '../store/log-file.js';
import type { SchemaStep } from '../store/schema-step.js';
import { openSqliteStore } from '../store/sqlite-store.js';
import { createEdgeMemory } from '../telemetry/edge-memory.js';
import { createMetrics } from '../telemetry/metrics.js';
import { readAdminToken } from './admin-access.js';
import { openAdminPort, type StatusReport } from './admin-port.js';
import { openFrontPort } from './front-port.js';
import { consumersOf, loadModule, loadShop } from './loaded-shop.js';
import { observedFront, observedWires } from './observed-wires.js';
import { type Opened, opening } from './opened.js';
import { readPorts } from './ports-setting.js';
import { checkReadiness, createReadinessWatch } from './readiness.js';
import { graceMs, type MeshAddresses, type RunningMesh } from './running-mesh.js';
import { openShapeLog } from './shape-log.js';
import { openSpans } from './spans.js';
import { startWitnesses } from './witnesses.js';

/** How to start the shop in one process. */
export interface OneProcessOptions {
  readonly dataFolder: string;
  readonly environment: Environment;
  /** Told of what people should know while it runs: one line. */
  tell?(line: string): void;
}

/**
 * Starts all services in this process, and the witnesses beside it: load, build, listen, healthy. Everything that was
 * opened is closed again when a later step fails.
 * @throws StartupError for what the user must mend.
 */
export function startOneProcess(options: OneProcessOptions): Promise<RunningMesh> {
  return opening((opened) => start(options, opened));
}

async function start(options: OneProcessOptions, opened: Opened): Promise<RunningMesh> {
  // Load: settings, contracts, manifests.
  const { environment } = options;
  const ports = readPorts(environment);
  const { version, contract, policies, validator, manifests, callPolicy, owners } = loadShop();
  const modules = await Promise.all(manifests.map(loadModule));

  const data = openDataFolder(options.dataFolder);
  opened.push(() => data.release());
  const log = openShapeLog(data, environment);
  opened.push(() => log.close());
  const ambient = machineAmbient();
  const witnesses = await startWitnesses({
    data,
    environment,
    ambient,
    log: log.service('launcher'),
    tell: (line) => options.tell?.(line),
  });
  opened.push(() => witnesses.stop());

  const spans = await openSpans({
    environment,
    version,
    ambient,
    log: log.service('launcher'),
    fallback: 'none',
  });
  opened.push(() => spans.close());
  const metrics = createMetrics({ version, shape: 'one-process', clock: ambient.clock });
  const bus = openEmbeddedBus({
    path: data.file('bus', 'bus.db'),
    ambient,
    log: log.service('bus'),
    metrics,
    openLog: openLogFile,
  });
  opened.push(() => bus.close());
  const deadLetters = deadLetterQueues({
    bus,
    groups: consumersOf(manifests),
    toJson: (type, bytes) => bytesToMaskedJson(contract, type, bytes),
  });
  metrics.deadLetters(deadLetters.counts);

  // Build: every service, then the edge. Wires find the receiving end when a call is made.
  const edges = createEdgeMemory();
  const dispatches = new Map<string, Dispatch>();
  const startedAtMs = ambient.clock.nowMs();
  const mail = smtpMailSender(() => witnesses.smtpUrl, 'Meshmart <shop@meshmart.example>');
  opened.push(() => mail.close());
  const world: HostWorld = {
    contract,
    policies,
    validator,
    ambient,
    bus,
    callPolicy,
    metrics,
    tracerOf: spans.tracerOf,
    logOf: (service) => log.service(service),
    mail,
    http: machineHttp(),
    wires: (caller) => (service) => inProcessWire(() => dispatches.get(service), caller),
    ownerOf: (service) => owners.get(service),
  };
  const found = { CARD_PROCESSOR_URL: witnesses.cardProcessorUrl, SMTP_URL: witnesses.smtpUrl };
  const hostedOptions = (manifest: Manifest, schema: readonly SchemaStep[]) => ({
    manifest,
    store: openSqliteStore({
      path: data.file(manifest.name, `${manifest.name}.db`),
      service: manifest.name,
      schema,
      clock: ambient.clock,
      timers: ambient.timers,
      metrics,
      tracer: world.tracerOf(manifest.name),
      openLog: openLogFile,
    }),
    setting: settingsOf(manifest, environment, found),
    secret: secretsOf(manifest, data.file('secrets'), ambient.random),
  });
  const hosted: HostedService[] = [];
  for (const { manifest, service } of modules) {
    if (service === undefined) continue;
    const own = hostedOptions(manifest, service.schema);
    const running = await hostService(world, service, own).catch(async (error: unknown) => {
      await own.store.close();
      throw error;
    });
    opened.push(() => running.stop());
    hosted.push(running);
    dispatches.set(manifest.name, edges.watching(running.dispatch));
  }
  for (const running of hosted) await running.begin();
  const readiness = createReadinessWatch(ambient, () => checkReadiness(hosted, ambient.timers));
  opened.push(() => readiness.stop());

  // Listen: the admin port, the gRPC front port, the REST port.
  let addresses: Partial<MeshAddresses> = {
    cardProcessorUrl: witnesses.cardProcessorUrl,
    mailSinkUrl: witnesses.mailSinkUrl,
  };
  const overview = () => ({
    version,
    shape: 'one-process' as const,
    startedAtMs,
    grpcAddress: addresses.grpcAddress,
    adminUrl: addresses.adminUrl,
    cardProcessorUrl: addresses.cardProcessorUrl,
    mailSinkUrl: addresses.mailSinkUrl,
    services: manifests.map(({ name, summary, implements: services }) => ({
      name,
      summary,
      implements: services,
    })),
  });
  const edgeModule = modules.find((module) => module.edge !== undefined);
  if (edgeModule?.edge === undefined)
    throw new StartupError('services/ has no gateway', 'reinstall meshmart');
  const edgeOptions = hostedOptions(edgeModule.manifest, edgeModule.edge.schema);
  const edgeWorld = createServiceWorld(world, edgeOptions);
  opened.push(() => edgeOptions.store.close());
  const edge: EdgeParts = await edgeModule.edge.build({
    ...edgeWorld.ports,
    contract,
    policies,
    ownerOf: world.ownerOf,
    wireTo: observedWires(world, edgeModule.manifest.name),
    listen: { host: ports.host, httpPort: ports.http },
    httpInFlight: (delta) => metrics.httpInFlight(edgeModule.manifest.name, delta),
    observeHttp: metrics.observeHttp,
    readiness: readiness.current,
    overview,
  });
  const front = await openFrontPort({
    ports,
    contract,
    policies,
    dispatch: observedFront(world, edgeModule.manifest.name, edge.front),
    readiness,
    served: [...owners.keys()],
  });
  opened.push(() => front.drain(graceMs));
  addresses = { ...addresses, grpcAddress: `${ports.host}:${front.port}` };
  const admin = await openAdminPort(ports.adminHost, ports.admin, {
    metrics: metrics.text,
    readiness: readiness.current,
    status: async () => ({
      ...statusReport(await readiness.current(), manifests, addresses, version, startedAtMs),
      deadLetters: await deadLetters.counts(),
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
  addresses = { ...addresses, adminUrl: admin.url };
  const { httpUrl } = await edge.listen();
  opened.push(() => edge.drain(graceMs));
  addresses = { ...addresses, httpUrl };

  // Healthy: what is written down is what `meshmart status` finds.
  await readiness.current();
  data.writeRun({
    pid: process.pid,
    shape: 'one-process',
    startedAt: new Date(startedAtMs).toISOString(),
    httpUrl,
    grpcAddress: addresses.grpcAddress ?? '',
    adminUrl: admin.url,
  });
  return {
    addresses: addresses as MeshAddresses,
    readyAfterMs: performance.now(),
    stop: async () => {
      readiness.notServing();
      edgeWorld.stop(new StartupError('the shop is stopping', 'start it again') as never);
      await opened.close();
    },
  };
}

function statusReport(
  readiness: Readiness,
  manifests: readonly Manifest[],
  addresses: Partial<MeshAddresses>,
  version: string,
  startedAtMs: number,
): Omit<StatusReport, 'deadLetters'> {
  return {
    version,
    shape: 'one-process',
    pid: process.pid,
    startedAt: new Date(startedAtMs).toISOString(),
    ready: readiness.ready,
    addresses: {
      rest: addresses.httpUrl ?? '',
      grpc: addresses.grpcAddress ?? '',
      admin: addresses.adminUrl ?? '',
      'card processor': addresses.cardProcessorUrl ?? '',
      mail: addresses.mailSinkUrl ?? '',
    },
    services: manifests.map(({ name, criticality }) => ({
      ...(readiness.services.find((service) => service.name === name) ?? {
        name,
        serving: true,
        criticality,
        problem: undefined,
      }),
      version,
      address: name === 'gateway' ? (addresses.httpUrl ?? '') : 'in process',
    })),
  };
}
