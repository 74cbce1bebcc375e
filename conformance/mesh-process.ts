import { readFileSync } from 'node:fs';
import type { SharedBus } from '../mesh/bus/shared-bus.js';
import { eventually } from '../mesh/testing/eventually.js';
import { freePort } from '../mesh/testing/free-port.js';
import { type TemporaryFolder, temporaryFolder } from '../mesh/testing/temporary-folder.js';
import { type ShopProcess, startShop } from './shop-process.js';

/** An instance as `meshmart status --json` tells of it. */
export interface InstanceLine {
  readonly name: string;
  readonly instance: string;
  readonly pid: number;
  readonly state: string;
  readonly serving: boolean;
  readonly restarts: number;
  readonly version: string;
  readonly address: string;
  readonly problem?: string;
}

/** What `/status` of the supervisor says. */
export interface MeshStatus {
  readonly ready: boolean;
  readonly pid: number;
  readonly addresses: Readonly<Record<string, string>>;
  readonly services: readonly InstanceLine[];
  readonly servers: readonly { readonly name: string; readonly pid: number }[];
}

/** The shop as processes, started as a person starts it. */
export interface MeshProcess extends ShopProcess {
  readonly folder: TemporaryFolder;
  readonly dataFolder: string;
  status(): Promise<MeshStatus>;
  instances(service: string): Promise<readonly InstanceLine[]>;
  /** Waits until every instance serves. */
  untilAllServe(withinMs?: number): Promise<MeshStatus>;
  /** Stops it and removes its data. */
  end(): Promise<void>;
}

/** Variables that move the servers to ports of their own, so that suites don't meet each other or a mesh that runs. */
async function serverPorts(): Promise<Record<string, string>> {
  const names = [
    'CONSUL_PORT',
    'REDIS_PORT',
    'POSTGRES_PORT',
    'JAEGER_PORT',
    'OTLP_GRPC_PORT',
    'OTLP_HTTP_PORT',
    'JAEGER_THRIFT_PORT',
    'PROMETHEUS_PORT',
    'RABBITMQ_PORT',
    'KAFKA_PORT',
  ];
  const ports = await Promise.all(names.map(() => freePort()));
  return Object.fromEntries(names.map((name, index) => [name, String(ports[index])]));
}

/** Starts `meshmart up --shape processes` on an empty data folder. */
export async function startMesh(
  options: {
    readonly scale?: readonly string[];
    readonly store?: 'sqlite' | 'postgres';
    /** What carries events; Redis unless told otherwise. */
    readonly bus?: SharedBus;
    readonly environment?: Readonly<Record<string, string>>;
    readonly ownGroup?: boolean;
  } = {},
): Promise<MeshProcess> {
  const folder = temporaryFolder();
  const shop = await startShop({
    dataFolder: folder.path,
    ports: { http: await freePort(), grpc: await freePort(), admin: await freePort() },
    arguments: [
      ...['--shape', 'processes', '--store', options.store ?? 'sqlite', '--bus', options.bus ?? 'redis'],
      ...(options.scale ?? []).flatMap((one) => ['--scale', one]),
    ],
    environment: { ...(await serverPorts()), ...options.environment },
    readyWithinMs: 120_000,
    ...(options.ownGroup === undefined ? {} : { ownGroup: options.ownGroup }),
  });
  // The gateway may answer before the supervisor has seen all servers ready; it ends the mesh if one does not come.
  await eventually(() => shop.output().includes('is ready'), { withinMs: 30_000, everyMs: 50 });
  const status = async () => {
    try {
      return (await (await fetch(`${shop.adminUrl}/status`)).json()) as MeshStatus;
    } catch (cause) {
      throw new Error(`the supervisor does not answer; it said: ${shop.output().slice(-1_000)}`, { cause });
    }
  };
  return {
    ...shop,
    folder,
    dataFolder: folder.path,
    status,
    instances: async (service) => (await status()).services.filter(({ name }) => name === service),
    untilAllServe: (withinMs = 20_000) =>
      eventually(
        async () => {
          const now = await status();
          const idle = now.services.filter(({ serving }) => !serving).map(({ instance }) => instance);
          if (idle.length > 0) throw new Error(`${idle.join(', ')} do not serve`);
          return now;
        },
        { withinMs, everyMs: 50, what: 'every instance to serve' },
      ),
    end: async () => {
      await shop.stop();
      folder.remove();
    },
  };
}

/** Proportional set size of a process in MiB: memory that it shares with others counts by its share. */
export function proportionalMiB(pid: number): number {
  const match = /^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'));
  if (match === null) throw new Error(`the kernel does not tell the memory of process ${pid}`);
  return Number(match[1]) / 1_024;
}
