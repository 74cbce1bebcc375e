import { createServer } from 'node:net';
import { delimiter, join } from 'node:path';
import type { DataFiles } from '../../runtime/data-folder.js';
import type { Ambient, Log } from '../../runtime/ports.js';
import { type Environment, portOf } from '../../runtime/setting.js';
import { StartupError } from '../../runtime/startup-error.js';
import { consul } from './consul.js';
import { findProgram } from './find-program.js';
import { jaeger } from './jaeger.js';
import { kafka } from './kafka.js';
import { postgres } from './postgres.js';
import { prometheus } from './prometheus.js';
import { rabbitmq } from './rabbitmq.js';
import { redis } from './redis.js';
import { requireCollectors } from './require-collectors.js';
import { letThrough, runAsOf } from './run-as.js';
import { makeFolders } from './server-folder.js';
import { loopback, type PortsOf, type ServerKind } from './server-kind.js';
import { endLeftover, type ServerProcess, startServer } from './server-process.js';

/** The servers beside the shop, in the order in which one may need to know of another. */
export const serverKinds: readonly ServerKind[] = [
  consul,
  redis,
  postgres,
  jaeger,
  prometheus,
  rabbitmq,
  kafka,
];

/** The servers beside the shop, whoever started them. */
export interface Servers {
  /** Name to URL, for people. Known before they are ready. */
  readonly addresses: Readonly<Record<string, string>>;
  /** What the instances are told. Known before they are ready. */
  readonly environment: Environment;
  /**
   * Resolves when all are ready.
   * @throws StartupError for the first that can't start.
   */
  ready(): Promise<void>;
  /** Those that were started here. */
  status(): readonly { readonly name: string; readonly pid: number }[];
  stop(): Promise<void>;
  /** Ends those that were started here at once and without waiting. */
  kill(): void;
}

export interface ServersOptions {
  readonly data: DataFiles;
  readonly environment: Environment;
  /** The text of Redis' file of users, for one that is started here. Without it, whoever comes may do anything. */
  readonly redisUsers?: string;
  readonly ambient: Ambient;
  readonly log: Log;
  /** Where Prometheus asks for its targets. */
  readonly targetsUrl: string;
  /** What was chosen of what can be chosen, such as the store `postgres`. */
  readonly choices?: readonly string[];
  tell(line: string): void;
}

/**
 * Takes the servers that the environment names, and starts the others, all at once. What needs them can start meanwhile:
 * it waits for them by itself.
 * @throws StartupError with one clear line for all that are missing, for an address that is none or where nobody answers,
 * or for a port that is taken.
 */
export async function startServers(options: ServersOptions): Promise<Servers> {
  const { environment, data } = options;
  const given = (kind: ServerKind) => environment[kind.addressVariable] || undefined;
  const chosen = serverKinds.filter(
    ({ choice }) => choice === undefined || options.choices?.includes(choice),
  );
  const kinds = chosen.filter(
    (kind) => given(kind) !== undefined || kind.elsewhere === undefined || !environment[kind.elsewhere],
  );
  const wanted = kinds.filter((kind) => given(kind) === undefined);
  const programs = new Map(wanted.map((kind) => [kind, findPrograms(kind, environment['PATH'])]));
  requireFound(programs);
  // All of it before anything is started: what is started must be stopped again when a setting is wrong.
  const urls = new Map(kinds.map((kind) => [kind, given(kind) && kind.urlOf(given(kind) ?? '')]));
  const port: PortsOf = (variable) => {
    const setting = chosen.flatMap(({ ports }) => ports).find((one) => one.variable === variable);
    return portOf(environment, variable, setting?.usual ?? 0);
  };
  await requireCollectors(environment);
  await Promise.all(
    kinds.flatMap((kind) => {
      const url = urls.get(kind);
      return url === undefined ? [] : [requireAnswer(kind, url, given(kind) ?? '')];
    }),
  );
  await endLeftoverServers(data.path);
  await Promise.all(
    wanted.flatMap((kind) =>
      kind.ports.flatMap(({ variable, besides = [] }) =>
        [0, ...besides].map((distance) => requireFree(kind, port(variable) + distance, variable)),
      ),
    ),
  );

  const places = new Map(
    await Promise.all(
      [...programs].map(async ([kind, found]) => [kind, await prepare(kind, found, data)] as const),
    ),
  );

  // What is told of a server does not depend on whether it has started.
  const addresses: Record<string, string> = {};
  let told: Environment = { SCRAPE_TARGETS_URL: options.targetsUrl };
  const started: { kind: ServerKind; process: ServerProcess }[] = [];
  const waits: Promise<void>[] = [];
  for (const kind of kinds) {
    const folder = join(data.path, kind.name);
    const launch = kind.launch({
      folder,
      data: join(folder, 'data'),
      port,
      platform: process.platform,
      environment: told,
      redisUsers: options.redisUsers,
    });
    const url = urls.get(kind) ?? launch.url;
    addresses[kind.name] = url;
    told = { ...told, ...kind.environment(url, port) };
    const place = places.get(kind);
    if (place !== undefined) {
      const process = startServer({ ...options, kind, folder, launch, ...place });
      started.push({ kind, process });
      waits.push(process.ready);
    }
  }
  const ready = Promise.all(waits).then(() => undefined);
  // Told by ready(), whenever that is asked.
  ready.catch(() => undefined);
  return {
    addresses,
    environment: {
      ...told,
      ...only(environment, ['OTEL_EXPORTER_OTLP_ENDPOINT', 'OTEL_EXPORTER_JAEGER_ENDPOINT']),
    },
    ready: () => ready,
    status: () => started.map(({ kind, process }) => ({ name: kind.name, pid: process.pid() })),
    stop: async () => {
      await Promise.all(started.map(({ process }) => process.stop()));
    },
    kill: () => {
      for (const { process } of started) process.kill();
    },
  };
}

/** Ends the servers that a supervisor left behind on a data folder when it was killed itself. */
export async function endLeftoverServers(dataPath: string): Promise<void> {
  await Promise.all(serverKinds.map((kind) => endLeftover(kind, join(dataPath, kind.name))));
}

/** Absolute paths of a server's program and of what it needs beside it; undefined when one of them is not there. */
interface FoundPrograms {
  readonly program: string;
  readonly helpers: Readonly<Record<string, string>>;
}

function findPrograms(kind: ServerKind, path: string | undefined): FoundPrograms | undefined {
  const searched = [path ?? '', ...(kind.folders?.() ?? [])].join(delimiter);
  const program = findProgram(kind.programs, searched);
  const helpers = (kind.helpers ?? []).map((name) => [name, findProgram([name], searched)] as const);
  if (program === undefined || helpers.some(([, file]) => file === undefined)) return undefined;
  return { program, helpers: Object.fromEntries(helpers) as Record<string, string> };
}

/** Makes a server's folders, and what is in them before its first start. */
async function prepare(kind: ServerKind, found: FoundPrograms | undefined, { path }: DataFiles) {
  const { program = '', helpers = {} } = found ?? {};
  const runAs = runAsOf(kind);
  if (runAs !== undefined) letThrough(path, runAs, kind);
  const folder = join(path, kind.name);
  makeFolders(folder, runAs);
  await kind.prepare?.({ data: join(folder, 'data'), helpers, runAs, secrets: join(path, 'secrets') });
  return { program, runAs };
}

function requireFound(programs: ReadonlyMap<ServerKind, FoundPrograms | undefined>): void {
  const missing = [...programs].filter(([, program]) => program === undefined).map(([kind]) => kind);
  if (missing.length === 0) return;
  const each = missing.map(
    ({ name, ways, addressVariable }) => `${name} (${ways}; or ${addressVariable} names one that runs)`,
  );
  throw new StartupError(
    `${missing.map(({ name }) => name).join(', ')} not found on PATH`,
    `get ${each.join('; ')}`,
  );
}

function requireFree(kind: ServerKind, port: number, variable: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', (cause: NodeJS.ErrnoException) => {
      reject(
        new StartupError(
          `port ${port} is taken (${kind.name}: ${cause.code})`,
          `stop what uses it, choose another with ${variable}, or name a ${kind.name} that runs with ${kind.addressVariable}`,
          { cause },
        ),
      );
    });
    if (port < 1 || port > 65_535) reject(outOfRange(kind, port, variable));
    else probe.listen(port, loopback, () => probe.close(() => resolve()));
  });
}

function outOfRange(kind: ServerKind, port: number, variable: string): StartupError {
  return new StartupError(
    `${kind.name} would need port ${port} with this ${variable}`,
    'choose one so that all are from 1 to 65535',
  );
}

async function requireAnswer(kind: ServerKind, url: string, given: string): Promise<void> {
  const ready = await kind.ready(url, AbortSignal.timeout(3_000)).catch(() => false);
  if (!ready) {
    throw new StartupError(
      `${kind.addressVariable} is '${given}', and no ${kind.name} answers there`,
      `start it, or leave ${kind.addressVariable} empty to have one started`,
    );
  }
}

function only(environment: Environment, names: readonly string[]): Environment {
  return Object.fromEntries(names.flatMap((name) => (environment[name] ? [[name, environment[name]]] : [])));
}
