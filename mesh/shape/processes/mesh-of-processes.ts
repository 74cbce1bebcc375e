import { createServer } from 'node:net';
import { join } from 'node:path';
import { machineAmbient } from '../../runtime/ambient.js';
import { openDataFolder } from '../../runtime/data-folder.js';
import { secretsOf } from '../../runtime/secret-file.js';
import type { Environment } from '../../runtime/setting.js';
import { StartupError } from '../../runtime/startup-error.js';
import { renewCertificates } from '../../security/development-ca.js';
import { createMetrics } from '../../telemetry/metrics.js';
import { openAdminPort, type StatusReport } from '../admin-port.js';
import { type LoadedShop, loadShop } from '../loaded-shop.js';
import { readPorts } from '../ports-setting.js';
import { graceMs, type MeshAddresses, type RunningMesh } from '../running-mesh.js';
import { startServers } from '../servers/start-servers.js';
import { openShapeLog } from '../shape-log.js';
import { startWitnesses } from '../witnesses.js';
import { createFleetView } from './fleet-view.js';
import { startInstanceProcess } from './instance-process.js';
import { parseScale, planInstances } from './plan.js';
import { createSupervisor, type Supervisor } from './supervisor.js';

/** How to start the shop as processes. */
export interface ProcessesOptions {
  readonly dataFolder: string;
  readonly environment: Environment;
  /** `catalog=3` and the like. */
  readonly scale: readonly string[];
  /** Told of what people should know while it runs: one line. */
  tell(line: string): void;
}

const listenWithinMs = 30_000;
const readyWithinMs = 20_000;

/**
 * Starts servers, witnesses and one process for each instance, and keeps them running.
 * @throws StartupError for what the user must mend, after everything that was started has been stopped.
 */
export async function startProcesses(options: ProcessesOptions): Promise<RunningMesh> {
  const undo: (() => Promise<unknown> | unknown)[] = [];
  const undoAll = async () => {
    for (const step of undo.reverse()) await step();
  };
  try {
    return await start(options, undo, undoAll);
  } catch (error) {
    await undoAll();
    throw error;
  }
}

async function start(
  options: ProcessesOptions,
  undo: (() => Promise<unknown> | unknown)[],
  undoAll: () => Promise<void>,
): Promise<RunningMesh> {
  const { environment, tell } = options;
  const shop = loadShop();
  const ports = readPorts(environment);
  const plan = planInstances(shop.manifests, parseScale(options.scale, shop.manifests));
  await requireFree(ports.host, ports.http, 'REST', 'PORT');
  await requireFree(ports.host, ports.grpc, 'gRPC', 'GRPC_PORT');

  const data = openDataFolder(options.dataFolder);
  undo.push(() => data.release());
  const opened = openShapeLog(data, environment, 'supervisor');
  undo.push(() => opened.close());
  const log = opened.service('supervisor');
  const ambient = machineAmbient();
  const startedAtMs = ambient.clock.nowMs();

  // What instances share is made before the first of them starts: none may make it twice.
  for (const manifest of shop.manifests) {
    const secret = secretsOf(manifest, data.file('secrets'), ambient.random);
    for (const name of Object.keys(manifest.secrets)) secret(name);
  }
  await renewCertificates({
    folder: join(data.path, 'certificates'),
    services: shop.manifests.map(({ name }) => name),
    ...ambient,
  });

  const [servers, witnesses] = await both(
    startServers({ data, environment, log, tell }),
    startWitnesses({ data, environment, log }),
  );
  undo.push(() => servers.stop());
  undo.push(() => witnesses.stop());

  let supervisor: Supervisor | undefined;
  const instances = () => supervisor?.status() ?? [];
  const view = createFleetView(
    () => instances().flatMap(({ addresses }) => (addresses === undefined ? [] : [addresses.adminUrl])),
    globalThis.fetch,
  );
  const metrics = createMetrics({ version: shop.version, shape: 'processes' });
  let addresses: MeshAddresses = {
    httpUrl: '',
    grpcAddress: '',
    adminUrl: '',
    cardProcessorUrl: witnesses.cardProcessorUrl,
    mailSinkUrl: witnesses.mailSinkUrl,
    servers: servers.addresses,
  };
  const report = () => statusReport(shop, instances(), addresses, startedAtMs);
  const admin = await openAdminPort(ports.adminHost, ports.admin, {
    metrics: metrics.text,
    readiness: async () => {
      const { ready, services } = report();
      return {
        ready,
        services: services.map(({ name, serving, criticality, problem }) => ({
          name,
          serving,
          criticality,
          problem,
        })),
      };
    },
    status: async () => report(),
    spansOfOrder: view.spansOfOrder,
    spansOfTrace: view.spansOfTrace,
    recentSpans: view.recentSpans,
    edges: view.edges,
  });
  undo.push(() => admin.close());
  addresses = { ...addresses, adminUrl: admin.url };

  const instanceEnvironment: Environment = {
    ...environment,
    ...servers.environment,
    MESHMART_DATA: data.path,
    CARD_PROCESSOR_URL: witnesses.cardProcessorUrl,
    SMTP_URL: witnesses.smtpUrl,
    MAIL_SINK_URL: witnesses.mailSinkUrl,
    SUPERVISOR_URL: admin.url,
  };
  const manifestOf = new Map(shop.manifests.map((manifest) => [manifest.name, manifest]));
  supervisor = createSupervisor({
    ambient,
    log,
    tell,
    start: ({ service }, id) => {
      const manifest = manifestOf.get(service);
      return startInstanceProcess({
        service,
        id,
        environment: instanceEnvironment,
        sharesPorts: manifest?.implements.length === 0,
        memoryMiB: manifest?.resources.memoryMiB ?? 96,
      });
    },
    onCrash: (id) => servers.forgetInstance(id),
  });
  const running = supervisor;
  undo.push(() => running.stop([['gateway'], ['order']], graceMs + 3_000));
  await running.start(plan, listenWithinMs);
  const edge = running.status().find(({ addresses: at }) => at?.httpUrl !== undefined)?.addresses;
  addresses = { ...addresses, httpUrl: edge?.httpUrl ?? '', grpcAddress: edge?.frontAddress ?? '' };
  await untilReady(addresses.httpUrl, ambient.clock.monotonicMs() + readyWithinMs);
  data.writeRun({
    pid: process.pid,
    shape: 'processes',
    startedAt: new Date(startedAtMs).toISOString(),
    httpUrl: addresses.httpUrl,
    grpcAddress: addresses.grpcAddress,
    adminUrl: admin.url,
  });
  return { addresses, readyAfterMs: performance.now(), stop: undoAll };
}

/** Fails early and without having started anything when a front port is taken. */
function requireFree(host: string, port: number, what: string, variable: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', (cause: NodeJS.ErrnoException) => {
      const taken = cause.code === 'EADDRINUSE';
      reject(
        new StartupError(
          taken
            ? `port ${port} is taken (${what})`
            : `${what} can't listen on ${host}:${port} (${cause.code})`,
          taken ? `stop what uses it, or choose another with ${variable}` : `check HOST and ${variable}`,
          { cause },
        ),
      );
    });
    probe.listen({ host, port, exclusive: true }, () => probe.close(() => resolve()));
  });
}

/** Both, or neither: when one fails, the other is stopped. */
async function both<A extends Stoppable, B extends Stoppable>(
  first: Promise<A>,
  second: Promise<B>,
): Promise<[A, B]> {
  const [one, two] = await Promise.allSettled([first, second]);
  if (one.status === 'fulfilled' && two.status === 'fulfilled') return [one.value, two.value];
  if (one.status === 'fulfilled') await one.value.stop();
  if (two.status === 'fulfilled') await two.value.stop();
  throw one.status === 'rejected' ? one.reason : (two as PromiseRejectedResult).reason;
}

interface Stoppable {
  stop(): Promise<void>;
}

async function untilReady(httpUrl: string, untilMs: number): Promise<void> {
  let last = 'it does not answer';
  while (performance.now() < untilMs) {
    try {
      const answer = await fetch(`${httpUrl}/readyz`, { signal: AbortSignal.timeout(1_000) });
      if (answer.ok) return;
      const { services } = (await answer.json()) as {
        services: { name: string; serving: boolean; problem?: string }[];
      };
      last = services
        .filter(({ serving }) => !serving)
        .map(({ name, problem }) => `${name} ${problem}`)
        .join('; ');
    } catch {
      // Not yet.
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new StartupError(`the shop is not ready (${last})`, 'look at <data>/logs/');
}

function statusReport(
  shop: LoadedShop,
  instances: ReturnType<Supervisor['status']>,
  addresses: MeshAddresses,
  startedAtMs: number,
): StatusReport {
  const services = instances.map((instance) => ({
    name: instance.service,
    instance: instance.id,
    pid: instance.pid,
    state: instance.state,
    restarts: instance.restarts,
    serving: instance.state === 'serving',
    criticality: shop.manifests.find(({ name }) => name === instance.service)?.criticality ?? 'required',
    problem: instance.problem,
    version: shop.version,
    address: instance.addresses?.grpcAddress ?? instance.addresses?.httpUrl ?? '',
  }));
  const served = (name: string) => services.some((service) => service.name === name && service.serving);
  return {
    version: shop.version,
    shape: 'processes',
    pid: process.pid,
    startedAt: new Date(startedAtMs).toISOString(),
    ready: shop.manifests.every(({ name, criticality }) => criticality === 'optional' || served(name)),
    addresses: {
      rest: addresses.httpUrl,
      grpc: addresses.grpcAddress,
      admin: addresses.adminUrl,
      'card processor': addresses.cardProcessorUrl,
      mail: addresses.mailSinkUrl,
      ...addresses.servers,
    },
    services,
  };
}
