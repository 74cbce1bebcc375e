import { join } from 'node:path';
import { loadShop } from '../../mesh/shape/loaded-shop.js';
import type { Opened } from '../../mesh/shape/opened.js';
import { eventually } from '../../mesh/testing/eventually.js';
import { freePort } from '../../mesh/testing/free-port.js';
import { type ShopProcess, startShop } from '../shop-process.js';
import type { ChaosOptions } from './chaos-options.js';
import type { Victim } from './nemesis.js';

/** The shop as processes, as a person starts it. */
export interface ShopUnderTest {
  readonly url: string;
  readonly dataFolder: string;
  /** Names of all services. */
  readonly services: readonly string[];
  /** Topics of the bus to the types of their events. */
  readonly topics: Readonly<Record<string, readonly string[]>>;
  /** The instances that run now. */
  instances(): Promise<readonly Victim[]>;
  /** What it has said so far. */
  output(): string;
}

/** Far beyond what it takes to finish what is in flight, in milliseconds. */
const stopWithinMs = 30_000;

/** @throws Error when it had to be killed. */
async function stopped(shop: ShopProcess): Promise<void> {
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    void shop.kill();
  }, stopWithinMs);
  await shop.stop();
  clearTimeout(timer);
  if (late) throw new Error(`the shop did not end within ${stopWithinMs} ms of being asked to`);
}

/** Starts it, noted in `opened` to be stopped again. @throws Error with what it said when it does not become ready. */
export async function startShopUnderTest(
  folder: string,
  environment: Readonly<Record<string, string>>,
  options: Pick<ChaosOptions, 'store' | 'bus' | 'scale'>,
  opened: Opened,
): Promise<ShopUnderTest> {
  const dataFolder = join(folder, 'shop');
  const shop = await startShop({
    dataFolder,
    ports: { http: await freePort(), grpc: await freePort(), admin: await freePort() },
    arguments: [
      '--shape',
      'processes',
      '--store',
      options.store,
      '--bus',
      options.bus,
      ...options.scale.flatMap((one) => ['--scale', one]),
    ],
    environment,
    readyWithinMs: 60_000,
    // Ctrl-C is for the one who started all this, who stops it in order.
    ownGroup: true,
  });
  // Killed, it takes its instances with it: they end with their channel.
  const kill = () => void shop.kill();
  process.once('exit', kill);
  opened.push(() => process.removeListener('exit', kill));
  opened.push(() => stopped(shop));
  await eventually(() => shop.output().includes('is ready'), {
    withinMs: 30_000,
    everyMs: 50,
    what: 'the shop',
  });
  const { manifests } = loadShop();
  return {
    services: manifests.map(({ name }) => name),
    topics: Object.fromEntries(
      manifests.flatMap(({ name, publishes }) => (publishes.length > 0 ? [[name, publishes]] : [])),
    ),
    url: shop.httpUrl,
    dataFolder,
    instances: async () => {
      const answer = await fetch(`${shop.adminUrl}/status`, { signal: AbortSignal.timeout(2_000) });
      const { services } = (await answer.json()) as {
        services: { name: string; instance: string; pid: number; state: string }[];
      };
      return services
        .filter(({ state }) => state !== 'waiting to restart')
        .map(({ name, instance, pid }) => ({ service: name, instance, pid }));
    },
    output: shop.output,
  };
}
