import type { HostWorld } from '../../mesh/runtime/host.js';
import { settingsOf } from '../../mesh/runtime/setting.js';
import { type SigningKey, signingKeyOf } from '../../mesh/security/token.js';
import { type LoadedModule, type LoadedShop, loadModule, loadShop } from '../../mesh/shape/loaded-shop.js';
import { type Broker, createBroker } from '../../mesh/sim/broker.js';
import { createDisk, type Disk } from '../../mesh/sim/disk.js';
import type { Life } from '../../mesh/sim/life.js';
import { createLinkWeather, type LinkWeather } from '../../mesh/sim/link-weather.js';
import { createNetwork, type Network } from '../../mesh/sim/network.js';
import { createSchedule, type Schedule } from '../../mesh/sim/schedule.js';
import { type SeededRandom, seededRandom } from '../../mesh/sim/seeded-random.js';
import { type SimulatedProcess, simulatedProcess } from '../../mesh/sim/simulated-process.js';
import { createTrace, type SimulationTrace } from '../../mesh/sim/trace.js';
import { openSqliteStore } from '../../mesh/store/sqlite-store.js';
import { nullTracer } from '../../mesh/telemetry/null-tracer.js';
import { initialStock } from '../../services/inventory/initial-stock.js';
import { type MailRecord, simulatedMail } from './mail-witness.js';
import { type SimulatedProcessor, simulatedProcessor } from './processor-witness.js';
import { silentLog, silentMetrics } from './silence.js';

/** 2026-01-05T08:00:00Z: when simulated days begin. */
export const epochMs = Date.UTC(2026, 0, 5, 8);

/** The code of the shop, loaded once for all runs. */
export interface ShopCode {
  readonly shop: LoadedShop;
  readonly modules: readonly LoadedModule[];
  /** Ids of all products. */
  readonly products: readonly string[];
}

/** Loads contracts, manifests and services. */
export async function loadShopCode(): Promise<ShopCode> {
  const shop = loadShop();
  return {
    shop,
    modules: await Promise.all(shop.manifests.map(loadModule)),
    products: Object.keys(initialStock),
  };
}

/** How a simulated shop is set up. */
export interface SimulatedShopOptions {
  readonly code: ShopCode;
  readonly seed: number;
  /** Processes of a service, where there is more than one: they share its disk. */
  readonly processes: Readonly<Record<string, number>>;
  /** Whether the card processor knows idempotency keys. */
  readonly processorMode: 'honour' | 'ignore';
  /** Whether the trace keeps its entries, for a timeline. */
  readonly keepTrace: boolean;
  /** Settings by environment name. */
  readonly settings: Readonly<Record<string, string>>;
  /** Called each time that something a process waited for comes, before it goes on. */
  onResume?(process: SimulatedProcess): void;
}

/** All services of the shop on simulated machines, and the witnesses outside. */
export interface SimulatedShop {
  readonly code: ShopCode;
  readonly schedule: Schedule;
  readonly random: SeededRandom;
  readonly weather: LinkWeather;
  readonly network: Network;
  readonly broker: Broker;
  readonly trace: SimulationTrace;
  readonly processes: readonly SimulatedProcess[];
  readonly disks: ReadonlyMap<string, Disk>;
  readonly processor: SimulatedProcessor;
  readonly mails: readonly MailRecord[];
  /** The key that users' tokens are signed with. */
  readonly signingKey: SigningKey;
  /** True when every process can be called. */
  ready(): boolean;
  close(): Promise<void>;
}

/** Sets up the shop. Its processes do not run yet: start them, then run the schedule. */
export function simulatedShop(options: SimulatedShopOptions): SimulatedShop {
  const { code, seed } = options;
  const { shop, modules } = code;
  const random = seededRandom(seed);
  const schedule = createSchedule();
  const trace = createTrace(schedule.nowMs, options.keepTrace);
  const weather = createLinkWeather(random.fork('weather'), schedule.nowMs);
  const processes: SimulatedProcess[] = [];
  const network = createNetwork({
    schedule,
    random: random.fork('network'),
    weather,
    note: trace.note,
    listeners: (service) =>
      processes.flatMap((one) => (one.service === service ? (one.listener() ?? []) : [])),
  });
  const broker = createBroker({
    schedule,
    network,
    weather,
    logOf: () => silentLog,
    groups: Object.fromEntries(
      shop.manifests
        .filter(({ consumes }) => Object.keys(consumes).length > 0)
        .map(({ name, consumes }) => [name, consumes]),
    ),
    note: trace.note,
  });
  const processor = simulatedProcessor({
    network,
    mode: options.processorMode,
    now: () => new Date(epochMs + schedule.nowMs()),
    note: trace.note,
  });
  const mail = simulatedMail(network, schedule.nowMs);
  const secrets = random.fork('secrets');
  const secretOf = new Map<string, Uint8Array>();
  const disks = new Map<string, Disk>();

  const worldOf = (life: Life): HostWorld => ({
    ...shop,
    ambient: life.ambient,
    bus: broker.busFor(life),
    metrics: silentMetrics,
    tracerOf: () => nullTracer,
    logOf: () => silentLog,
    mail: mail.senderFor(life),
    http: processor.httpFor(life),
    wires: () => (service) => network.wire(life, service),
    ownerOf: (service) => shop.owners.get(service),
  });
  for (const { manifest, service } of modules) {
    if (service === undefined) continue;
    const { name } = manifest;
    const disk = createDisk({
      service: name,
      random: random.fork(`disk ${name}`),
      nowMs: schedule.nowMs,
      note: (what, life) => trace.note(what, life.name, name, ''),
      store: openSqliteStore({
        path: ':memory:',
        service: name,
        schema: service.schema,
        clock: { nowMs: () => Math.floor(epochMs + schedule.nowMs()), monotonicMs: schedule.nowMs },
      }),
    });
    disks.set(name, disk);
    const count = options.processes[name] ?? 1;
    for (let number = 1; number <= count; number += 1)
      processes.push(
        simulatedProcess({
          name: `${name}-${number}`,
          manifest,
          service,
          disk,
          schedule,
          random: random.fork(`process ${name} ${number}`),
          epochMs,
          shared: count > 1,
          world: worldOf,
          ...(options.onResume === undefined ? {} : { onResume: options.onResume }),
          setting: settingsOf(manifest, options.settings, { CARD_PROCESSOR_URL: 'http://processor' }),
          secret: (secret) => {
            const key = `${name} ${secret}`;
            const made = secretOf.get(key) ?? secrets.secretBytes(manifest.secrets[secret]?.bytes ?? 32);
            secretOf.set(key, made);
            return made;
          },
        }),
      );
  }
  const signingSeed = secrets.secretBytes(32);
  secretOf.set('users signing-key', signingSeed);
  return {
    code,
    schedule,
    random,
    weather,
    network,
    broker,
    trace,
    processes,
    disks,
    processor,
    mails: mail.records,
    signingKey: signingKeyOf(signingSeed),
    ready: () => processes.every((process) => process.listener() !== undefined),
    close: async () => {
      for (const process of processes) process.kill();
      for (const { store } of disks.values()) await store.close();
    },
  };
}
