import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { openEmbeddedBus } from '../bus/embedded-bus.js';
import { loadContract } from '../contract/image.js';
import { readPolicies } from '../contract/policy.js';
import { createValidator } from '../contract/validation.js';
import { inProcessWire } from '../rpc/in-process.js';
import type { Dispatch, Wire } from '../rpc/wire.js';
import { machineAmbient } from '../runtime/ambient.js';
import { openDataFolder } from '../runtime/data-folder.js';
import type { EdgeParts, EdgeService, Readiness } from '../runtime/edge.js';
import { createServiceWorld, type HostedService, type HostWorld, hostService } from '../runtime/host.js';
import { smtpMailSender } from '../runtime/mail.js';
import type { Manifest } from '../runtime/manifest.js';
import { readManifests } from '../runtime/manifest-file.js';
import { packageRoot } from '../runtime/package-root.js';
import { secretsOf } from '../runtime/secret-file.js';
import type { Service } from '../runtime/service.js';
import { type Environment, settingsOf } from '../runtime/setting.js';
import { StartupError } from '../runtime/startup-error.js';
import { createCallPolicy } from '../security/authority.js';
import { openSqliteStore } from '../store/sqlite-store.js';
import { createMetrics } from '../telemetry/metrics.js';
import { createRecordingTracers } from '../telemetry/recording-tracer.js';
import { openAdminPort, type StatusReport } from './admin-port.js';
import { openFrontPort } from './front-port.js';
import { readImage, readVersion } from './package-files.js';
import { readPorts } from './ports-setting.js';
import { checkReadiness, createReadinessWatch } from './readiness.js';
import { openShapeLog } from './shape-log.js';
import { openSpans } from './spans.js';
import { startWitnesses } from './witnesses.js';

/** How to start the shop in one process. */
export interface OneProcessOptions {
  readonly dataFolder: string;
  readonly environment: Environment;
  /** Told of each call between services, for the test that compares them with the manifests. */
  readonly onEdge?: (caller: string, path: string) => void;
}

/** The addresses of a running mesh. */
export interface MeshAddresses {
  readonly httpUrl: string;
  readonly grpcAddress: string;
  readonly adminUrl: string;
  readonly cardProcessorUrl: string;
  readonly mailSinkUrl: string;
}

/** A shop that runs. */
export interface RunningMesh {
  readonly addresses: MeshAddresses;
  /** Milliseconds from the start of the process until a purchase would have worked. */
  readonly readyAfterMs: number;
  /** Ends it in order: take no more, finish what is in flight, publish events, close. */
  stop(): Promise<void>;
}

/** How long calls in flight may take to end. */
const graceMs = 5_000;

/**
 * Starts all services in this process, and the witnesses beside it: load, build, listen, healthy. Everything that was
 * opened is closed again when a later step fails.
 * @throws StartupError for what the user must mend.
 */
export async function startOneProcess(options: OneProcessOptions): Promise<RunningMesh> {
  const { environment } = options;
  const undo: (() => Promise<unknown> | unknown)[] = [];
  const undoAll = async () => {
    // Every step is taken although one fails, and none twice.
    const failures: unknown[] = [];
    for (const step of undo.splice(0).reverse()) {
      try {
        await step();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  };
  try {
    return await start(options, environment, undo, undoAll);
  } catch (error) {
    await undoAll().catch(() => undefined);
    throw error;
  }
}

async function start(
  options: OneProcessOptions,
  environment: Environment,
  undo: (() => Promise<unknown> | unknown)[],
  undoAll: () => Promise<void>,
): Promise<RunningMesh> {
  // Load: settings, contracts, manifests.
  const ports = readPorts(environment);
  const version = readVersion();
  const contract = loadContract(readImage());
  const policies = readPolicies(contract);
  const hasMessage = (name: string) => contract.registry.getMessage(name) !== undefined;
  const manifests = readManifests(join(packageRoot(), 'services'), { policies, hasMessage });
  const modules = await Promise.all(manifests.map(loadModule));

  const data = openDataFolder(options.dataFolder);
  undo.push(() => data.release());
  const log = openShapeLog(data, environment);
  undo.push(() => log.close());
  const witnesses = await startWitnesses({ data, environment, log: log.service('launcher') });
  undo.push(() => witnesses.stop());

  const ambient = machineAmbient();
  const spans = await openSpans(environment, version, log.service('launcher'));
  undo.push(() => spans.close());
  const metrics = createMetrics({ version, shape: 'one-process' });
  const bus = openEmbeddedBus({ path: data.file('bus', 'bus.db'), ambient, log: log.service('bus') });
  undo.push(() => bus.close());

  // Build: every service, then the edge. Wires find the receiving end when a call is made.
  const dispatches = new Map<string, Dispatch>();
  const owners = new Map(
    manifests.flatMap((manifest) => manifest.implements.map((service) => [service, manifest.name] as const)),
  );
  const startedAtMs = ambient.clock.nowMs();
  const world: HostWorld = {
    contract,
    policies,
    validator: createValidator(contract),
    ambient,
    bus,
    callPolicy: createCallPolicy(Object.fromEntries(manifests.map(({ name, calls }) => [name, calls]))),
    metrics,
    tracerOf: createRecordingTracers({ clock: ambient.clock, random: ambient.random, sinks: spans.sinks }),
    logOf: (service) => log.service(service),
    mail: smtpMailSender(() => witnesses.smtpUrl, 'Meshmart <shop@meshmart.example>'),
    wires: (caller) => (service) =>
      watched(
        inProcessWire(() => dispatches.get(service), caller),
        caller,
        options.onEdge,
      ),
    ownerOf: (service) => owners.get(service),
  };
  const found = { CARD_PROCESSOR_URL: witnesses.cardProcessorUrl, SMTP_URL: witnesses.smtpUrl };
  const hostedOptions = (manifest: Manifest, schema: readonly string[]) => ({
    manifest,
    store: openSqliteStore({
      path: data.file(manifest.name, `${manifest.name}.db`),
      service: manifest.name,
      schema,
      clock: ambient.clock,
      tracer: world.tracerOf(manifest.name),
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
    undo.push(() => running.stop());
    hosted.push(running);
    dispatches.set(manifest.name, running.dispatch);
  }
  for (const running of hosted) await running.begin();
  const readiness = createReadinessWatch(ambient, () => checkReadiness(hosted, ambient.timers));
  undo.push(() => readiness.stop());

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
  undo.push(() => edgeOptions.store.close());
  const edge: EdgeParts = await edgeModule.edge.build({
    ...edgeWorld.ports,
    contract,
    policies,
    ownerOf: world.ownerOf,
    wireTo: world.wires(edgeModule.manifest.name),
    listen: { host: ports.host, httpPort: ports.http },
    observeHttp: metrics.observeHttp,
    readiness: readiness.current,
    overview,
  });
  const front = await openFrontPort({
    ports,
    contract,
    policies,
    dispatch: edge.front,
    readiness,
    served: [...owners.keys()],
  });
  undo.push(() => front.drain(graceMs));
  addresses = { ...addresses, grpcAddress: `${ports.host}:${front.port}` };
  const admin = await openAdminPort(ports.adminHost, ports.admin, {
    metrics: metrics.text,
    readiness: readiness.current,
    status: async () => statusReport(await readiness.current(), manifests, addresses, version, startedAtMs),
    spansOfOrder: spans.memory.byOrder,
    spansOfTrace: spans.memory.byTrace,
    recentSpans: spans.memory.recent,
  });
  undo.push(() => admin.close());
  addresses = { ...addresses, adminUrl: admin.url };
  const { httpUrl } = await edge.listen();
  undo.push(() => edge.drain(graceMs));
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
      await undoAll();
    },
  };
}

/** Tells of each call that leaves through a wire. */
function watched(wire: Wire, caller: string, onEdge: OneProcessOptions['onEdge']): Wire {
  if (onEdge === undefined) return wire;
  return {
    call: (request) => {
      onEdge(caller, request.method.path.slice(1));
      return wire.call(request);
    },
    close: () => wire.close(),
  };
}

interface LoadedModule {
  readonly manifest: Manifest;
  readonly service: Service | undefined;
  readonly edge: EdgeService | undefined;
}

async function loadModule(manifest: Manifest): Promise<LoadedModule> {
  const path = ['js', 'ts']
    .map((ending) => new URL(`../../services/${manifest.name}/service.${ending}`, import.meta.url))
    .find((candidate) => existsSync(candidate));
  if (path === undefined)
    throw new StartupError(`services/${manifest.name} is not built`, 'run npm run build');
  const module = (await import(pathToFileURL(path.pathname).href)) as {
    service?: Service;
    edge?: EdgeService;
  };
  if (module.service === undefined && module.edge === undefined) {
    throw new StartupError(
      `services/${manifest.name}/service exports neither service nor edge`,
      'export one of them',
    );
  }
  return { manifest, service: module.service, edge: module.edge };
}

function statusReport(
  readiness: Readiness,
  manifests: readonly Manifest[],
  addresses: Partial<MeshAddresses>,
  version: string,
  startedAtMs: number,
): StatusReport {
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
