import { createServer } from 'node:net';
import { join } from 'node:path';
import type { SharedBus } from '../../bus/shared-bus.js';
import { createConsulRegistry } from '../../discovery/consul-registry.js';
import { machineAmbient } from '../../runtime/ambient.js';
import { openDataFolder } from '../../runtime/data-folder.js';
import { readOrMakePassword, secretsOf } from '../../runtime/secret-file.js';
import type { Environment } from '../../runtime/setting.js';
import { StartupError } from '../../runtime/startup-error.js';
import { keepCertificates } from '../../security/certificate-upkeep.js';
import { renewCertificates } from '../../security/development-ca.js';
import { createMetrics } from '../../telemetry/metrics.js';
import { readAdminToken } from '../admin-access.js';
import { openAdminPort } from '../admin-port.js';
import { consumersOf, loadShop } from '../loaded-shop.js';
import { type Opened, opening } from '../opened.js';
import { readPorts } from '../ports-setting.js';
import { graceMs, type MeshAddresses, type RunningMesh } from '../running-mesh.js';
import { redisUserNames, redisUsersFile } from '../servers/redis-users.js';
import { type Servers, startServers } from '../servers/start-servers.js';
import { openShapeLog } from '../shape-log.js';
import { startWitnesses } from '../witnesses.js';
import { instanceVariables } from './channel.js';
import { createFleetDeadLetters } from './fleet-dead-letters.js';
import { createFleetView } from './fleet-view.js';
import { startInstanceProcess } from './instance-process.js';
import { givenPassword, makeDatabases } from './make-databases.js';
import { readinessOf, statusReport } from './mesh-report.js';
import { parseScale, planInstances } from './plan.js';
import { createScrapeTargets } from './scrape-targets.js';
import type { StoreKind } from './service-store.js';
import { createSupervisor, type Supervisor } from './supervisor.js';

/** How to start the shop as processes. */
export interface ProcessesOptions {
  readonly dataFolder: string;
  readonly environment: Environment;
  /** `catalog=3` and the like. */
  readonly scale: readonly string[];
  /** Where the services keep what is theirs. Default `sqlite`: a file each. */
  readonly store?: StoreKind | undefined;
  /** What carries events between the processes. */
  readonly bus: SharedBus;
  /** Told of what people should know while it runs: one line. */
  tell(line: string): void;
}

const listenWithinMs = 30_000;
const readyWithinMs = 20_000;

/**
 * Starts servers, witnesses and one process for each instance, and keeps them running.
 * @throws StartupError for what the user must mend, after everything that was started has been stopped.
 */
export function startProcesses(options: ProcessesOptions): Promise<RunningMesh> {
  return opening((opened) => start(options, opened));
}

async function start(options: ProcessesOptions, opened: Opened): Promise<RunningMesh> {
  const { environment, tell, store = 'sqlite' } = options;
  const shop = loadShop();
  const ports = readPorts(environment);
  const plan = planInstances(shop.manifests, parseScale(options.scale, shop.manifests));
  await requireFree(ports.host, ports.http, 'REST', 'PORT');
  await requireFree(ports.host, ports.grpc, 'gRPC', 'GRPC_PORT');
  await requireFree(ports.adminHost, ports.admin, 'admin', 'ADMIN_PORT');

  // A setting that is wrong is told before anything is started.
  if (store === 'postgres') givenPassword(environment);
  const data = openDataFolder(options.dataFolder);
  opened.push(() => data.release());
  const logs = openShapeLog(data, environment, 'supervisor');
  opened.push(() => logs.close());
  const log = logs.service('supervisor');
  const ambient = machineAmbient();
  const startedAtMs = ambient.clock.nowMs();

  // What instances share is made before the first of them starts: none may make it twice.
  for (const manifest of shop.manifests) {
    const secret = secretsOf(manifest, data.file('secrets'), ambient.random);
    for (const name of Object.keys(manifest.secrets)) secret(name);
  }
  const renew = () =>
    renewCertificates({
      folder: join(data.path, 'certificates'),
      services: shop.manifests.map(({ name }) => name),
      ...ambient,
    });
  await renew();
  const endUpkeep = keepCertificates({ ambient, log, renew, tell });
  opened.push(async () => endUpkeep());

  // The admin port opens first: Prometheus asks it for its targets.
  const running: { supervisor?: Supervisor; servers?: Servers; targets?: () => Promise<readonly object[]> } =
    {};
  const instances = () => running.supervisor?.status() ?? [];
  const view = createFleetView(
    () => instances().flatMap(({ addresses: at }) => (at === undefined ? [] : [at.adminUrl])),
    globalThis.fetch,
  );
  const adminToken = readAdminToken(data.file('secrets'), ambient.random);
  const deadLetters = createFleetDeadLetters({
    groups: consumersOf(shop.manifests),
    adminUrlsOf: (group) =>
      instances().flatMap(({ service, addresses: at }) =>
        service === group && at !== undefined ? [at.adminUrl] : [],
      ),
    token: adminToken,
    fetch: globalThis.fetch,
  });
  let addresses: MeshAddresses = {
    httpUrl: '',
    grpcAddress: '',
    adminUrl: '',
    cardProcessorUrl: '',
    mailSinkUrl: '',
  };
  const report = () => ({
    ...statusReport(shop, instances(), addresses, startedAtMs),
    servers: running.servers?.status() ?? [],
  });
  const admin = await openAdminPort(ports.adminHost, ports.admin, {
    metrics: createMetrics({ version: shop.version, shape: 'processes', clock: ambient.clock }).text,
    readiness: async () => readinessOf(report()),
    status: async () => ({ ...report(), deadLetters: await deadLetters.counts() }),
    spansOfOrder: view.spansOfOrder,
    spansOfTrace: view.spansOfTrace,
    recentSpans: view.recentSpans,
    edges: view.edges,
    targets: async () => (await running.targets?.()) ?? [],
    deadLetters: { queues: deadLetters, token: adminToken },
  });
  opened.push(() => admin.close());

  const redisUser = { manifests: shop.manifests, bus: options.bus };
  const redisPasswordFile = (user: string) => join(data.file('secrets'), `redis-${user}`);
  const redisUsers = redisUsersFile({
    ...redisUser,
    passwordOf: (user) => readOrMakePassword(redisPasswordFile(user), ambient.random),
  });
  const targetsUrl = `${admin.url}/targets`;
  const [servers, witnesses] = await both(
    startServers({
      ...{ data, environment, redisUsers, ambient, log, targetsUrl, tell },
      choices: [store, options.bus],
    }).then((started) => {
      // Instances and witnesses end with their channel to this process; the servers would outlive an end in haste.
      const kill = () => started.kill();
      process.once('exit', kill);
      opened.push(() => process.removeListener('exit', kill));
      return started;
    }),
    startWitnesses({ data, environment, ambient, log, tell }),
  );
  opened.push(() => servers.stop());
  opened.push(() => witnesses.stop());
  const consulAddress = servers.environment['CONSUL_HTTP_ADDR'] ?? '';
  running.servers = servers;
  running.targets = createScrapeTargets(consulAddress, globalThis.fetch);
  addresses = {
    ...addresses,
    adminUrl: admin.url,
    cardProcessorUrl: witnesses.cardProcessorUrl,
    mailSinkUrl: witnesses.mailSinkUrl,
    servers: servers.addresses,
  };

  const instanceEnvironment: Environment = {
    ...environment,
    ...servers.environment,
    MESHMART_BUS: options.bus,
    MESHMART_DATA: data.path,
    CARD_PROCESSOR_URL: witnesses.cardProcessorUrl,
    SMTP_URL: witnesses.smtpUrl,
    MAIL_SINK_URL: witnesses.mailSinkUrl,
    SUPERVISOR_URL: admin.url,
    [instanceVariables.store]: store,
    // That of the superuser: each service has its own.
    POSTGRES_PASSWORD_FILE: undefined,
  };
  /** Each service as its own user, in a Redis whose users were made here. */
  const redisAccess = (service: string): Environment =>
    environment['REDIS_URL'] || !redisUserNames(redisUser).includes(service)
      ? {}
      : {
          REDIS_URL: (servers.environment['REDIS_URL'] ?? '').replace('://', `://${service}@`),
          REDIS_PASSWORD_FILE: redisPasswordFile(service),
        };
  const registry = createConsulRegistry({
    address: consulAddress,
    tokenFile: environment['CONSUL_HTTP_TOKEN_FILE'] || undefined,
    ambient,
    log,
  });
  const manifestOf = new Map(shop.manifests.map((manifest) => [manifest.name, manifest]));
  const supervisor = createSupervisor({
    ambient,
    log,
    tell,
    start: ({ service }, id) => {
      const manifest = manifestOf.get(service);
      return startInstanceProcess({
        service,
        id,
        environment: { ...instanceEnvironment, ...redisAccess(service) },
        sharesPorts: manifest?.implements.length === 0,
        memoryMiB: manifest?.resources.memoryMiB ?? 96,
      });
    },
    onCrash: (id) => void registry.forget(id),
  });
  running.supervisor = supervisor;
  opened.push(() => supervisor.stop([['gateway'], ['order']], graceMs + 3_000));
  // Where PostgreSQL runs already, what is wrong with it is known before instances wait for it; else they wait meanwhile.
  const databases =
    store === 'postgres' ? makeDatabases({ shop, data, environment, servers, ambient }) : undefined;
  if (environment['POSTGRES_URL']) await databases;
  await Promise.all([servers.ready(), databases, supervisor.start(plan, listenWithinMs)]);
  const edge = supervisor.status().find(({ addresses: at }) => at?.httpUrl !== undefined)?.addresses;
  addresses = { ...addresses, httpUrl: edge?.httpUrl ?? '', grpcAddress: edge?.frontAddress ?? '' };
  await untilReady(addresses.httpUrl, ambient.clock.monotonicMs() + readyWithinMs);
  data.writeRun({
    pid: process.pid,
    shape: 'processes',
    startedAt: new Date(startedAtMs).toISOString(),
    httpUrl: addresses.httpUrl,
    grpcAddress: addresses.grpcAddress,
    adminUrl: admin.url,
    ...(store === 'postgres' ? { postgresUrl: servers.addresses['postgres'] } : {}),
  });
  return { addresses, readyAfterMs: performance.now(), stop: opened.close };
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
