import type { HostedService, HostWorld } from '../runtime/host.js';
import { hostService } from '../runtime/host.js';
import type { Manifest } from '../runtime/manifest.js';
import type { Service } from '../runtime/service.js';
import type { Disk } from './disk.js';
import { beginLife, type Life } from './life.js';
import type { Listener } from './network.js';
import type { Schedule } from './schedule.js';
import type { SeededRandom } from './seeded-random.js';

/** A simulated process of a service, through all its lives. */
export interface SimulatedProcess {
  readonly name: string;
  readonly service: string;
  /** How it can be called, once its service is up. */
  listener(): Listener | undefined;
  life(): Life | undefined;
  /** Starts it, unless it runs. A start that meets a fault is tried again, as a supervisor does. */
  start(): void;
  /** kill -9. */
  kill(): void;
  /** The clock of its machine jumps; negative is back. */
  jump(byMs: number): void;
}

/** What a process is made of. */
export interface SimulatedProcessOptions {
  /** Such as `order-1`. */
  readonly name: string;
  readonly manifest: Manifest;
  readonly service: Service;
  readonly disk: Disk;
  readonly schedule: Schedule;
  readonly random: SeededRandom;
  /** What clocks show at virtual time 0, in milliseconds since the epoch. */
  readonly epochMs: number;
  /** True when other processes use the same disk: then leases are kept. */
  readonly shared: boolean;
  /** The world of one life. */
  world(life: Life): HostWorld;
  setting(name: string): string;
  secret(name: string): Uint8Array;
  /** Called each time that something the process waited for comes, before it goes on. */
  onResume?(process: SimulatedProcess): void;
}

const restartAfterMs = 500;

/** Makes a process that does not run yet. */
export function simulatedProcess(options: SimulatedProcessOptions): SimulatedProcess {
  const { name, manifest, disk, schedule } = options;
  let jumpedMs = 0;
  let life: Life | undefined;
  let hosted: HostedService | undefined;
  let lives = 0;

  const boot = async (current: Life): Promise<void> => {
    const running = await hostService(options.world(current), options.service, {
      manifest,
      store: disk.storeFor(current),
      instance: options.shared ? `${name}.${lives}` : undefined,
      setting: options.setting,
      secret: options.secret,
    });
    await running.begin();
    hosted = running;
  };
  const start = (): void => {
    if (life?.alive() === true) return;
    lives += 1;
    const current = beginLife({
      name,
      service: manifest.name,
      schedule,
      random: options.random.fork(`life ${lives}`),
      clockAtStartMs: () => options.epochMs + jumpedMs,
      onResume: options.onResume === undefined ? undefined : () => options.onResume?.(process),
    });
    life = current;
    hosted = undefined;
    boot(current).catch(() => {
      if (!current.alive()) return;
      current.end();
      schedule.after(restartAfterMs, start);
    });
  };
  const process: SimulatedProcess = {
    name,
    service: manifest.name,
    start,
    life: () => life,
    listener: () =>
      life?.alive() === true && hosted !== undefined ? { life, dispatch: hosted.dispatch } : undefined,
    kill: () => {
      life?.end();
      hosted = undefined;
    },
    jump: (byMs) => {
      jumpedMs += byMs;
    },
  };
  return process;
}
