import { setMaxListeners } from 'node:events';
import { constants, setPriority } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Bus } from '../../mesh/bus/bus.js';
import { openSharedBus, type SharedBus } from '../../mesh/bus/shared-bus.js';
import { machineAmbient } from '../../mesh/runtime/ambient.js';
import { openDataFiles } from '../../mesh/runtime/data-folder.js';
import { machineHttp } from '../../mesh/runtime/outgoing-http.js';
import type { Ambient, Log } from '../../mesh/runtime/ports.js';
import { readOrMakeSecret } from '../../mesh/runtime/secret-file.js';
import { signingKeyOf } from '../../mesh/security/token.js';
import { createOpened, type Opened } from '../../mesh/shape/opened.js';
import { openShapeLog } from '../../mesh/shape/shape-log.js';
import { seededRandom } from '../../mesh/sim/seeded-random.js';
import { openBuyers } from './buyers.js';
import type { ChaosOptions } from './chaos-options.js';
import { openTap, repeatEvents } from './event-tap.js';
import { evidenceFiles, readMails, writePublicReads } from './evidence-folder.js';
import { planFaults } from './faults.js';
import { gatherPublicReads } from './gather.js';
import { doHarm } from './harm.js';
import { harmable } from './harmable.js';
import { writeHistory } from './history-file.js';
import { layOut } from './load.js';
import { createNemesis } from './nemesis.js';
import { openLoop } from './open-loop.js';
import { prepare, salePieces } from './prepare.js';
import { processorsBusy } from './processors-busy.js';
import { untilAllFinal, untilMailsCame } from './settle.js';
import { startShopUnderTest } from './shop-under-test.js';
import { startSuccessor } from './successor.js';
import { openSurroundings, type Surroundings } from './surroundings.js';
import { trafficProbe } from './traffic-probe.js';

/**
 * Longest wait of a client for an answer, in milliseconds: more than any deadline of the contract. Who gives up gives up the
 * connection, too, and Node takes on one new connection per turn of its event loop: on a machine that is slow already, clients
 * that are less patient than the deadlines keep the gateways busy with connections that nobody waits on any more.
 */
const answerWithinMs = 8_000;
/** A buyer gives up after this. The checker will say so. */
const patienceMs = 90_000;
const mostRegulars = 200;
const mostBargainHunters = 1_000;
/** Faults begin within this part of the load's time: the last of them shall have something to happen to. */
const faultsWithin = 0.97;

/**
 * Starts everything, has purchases arrive while faults are done, waits until all is settled, asks the witnesses, and stops
 * everything. What is needed for a verdict is in the folder then.
 * @throws StartupError for a server that is missing; the signal's reason when the run is broken off.
 */
export async function runChaos(options: ChaosOptions): Promise<void> {
  const opened = createOpened();
  // Whatever ends the run ends the buyers, too.
  const over = new AbortController();
  const signal = AbortSignal.any([options.signal, over.signal]);
  // Each buyer and each fault that waits listens.
  setMaxListeners(0, signal);
  try {
    await run({ ...options, signal }, opened);
  } finally {
    over.abort();
    await opened.close();
  }
}

async function run(options: ChaosOptions, opened: Opened): Promise<void> {
  const { seed, orders, faults, duplicates, ratePerSecond, folder, signal, tell } = options;
  const ambient = machineAmbient();
  const begunMs = ambient.clock.monotonicMs();
  const random = seededRandom(seed);
  const openedLog = openShapeLog(openDataFiles(folder), {}, 'chaos');
  opened.push(() => openedLog.close());
  const log = openedLog.service('chaos');

  tell('starting the servers, the witnesses and the shop');
  const surroundings = await openSurroundings(
    { ...options, ambient, log, chance: random.fork('jitter').next },
    opened,
  );
  signal.throwIfAborted();
  const shopEnvironment = { ...shopSettings, ...surroundings.environment };
  const shop = await startShopUnderTest(folder, shopEnvironment, options, opened);
  signal.throwIfAborted();

  const access = { shopUrl: shop.url, answerWithinMs, http: machineHttp() };
  const prepared = await prepare({ ...access, ambient, random: random.fork('preparation') });
  const { saleProduct, products, owner } = prepared;
  const bargainHunters = Math.min(mostBargainHunters, Math.floor(orders / 2));
  const regularOrders = orders - bargainHunters;
  const regulars = Math.min(mostRegulars, regularOrders);
  tell(`opening ${regulars + bargainHunters} accounts`);
  const signingKey = readOrMakeSecret(
    join(shop.dataFolder, 'secrets', 'users-signing-key'),
    32,
    ambient.random,
  );
  const buyers = await withBus(options.bus, surroundings, ambient, log, (publish) =>
    openBuyers({
      ...access,
      regulars,
      bargainHunters,
      signingKey: signingKeyOf(signingKey),
      ambient,
      random: random.fork('buyers'),
      publish,
    }),
  );
  signal.throwIfAborted();

  const history = writeHistory(join(folder, evidenceFiles.history));
  opened.push(() => history.close());
  history.write({
    kind: 'run',
    seed,
    orders,
    faults,
    duplicates,
    ratePerSecond,
    withinMs: options.withinMs,
    store: options.store,
    bus: options.bus,
    saleProduct,
    salePieces,
    startedAt: new Date(ambient.clock.nowMs()).toISOString(),
  });
  const successor = startSuccessor();
  opened.push(() => successor.stop());
  const withinMs = (orders / ratePerSecond) * 1_000;
  const load = layOut({
    ...access,
    buyers,
    orders: regularOrders,
    products: products.filter((product) => product !== saleProduct),
    saleProduct,
    withinMs,
    patienceMs,
    ambient,
    random: random.fork('load'),
    successor,
    history,
    signal,
  });
  const tap = await openTap({
    kind: options.bus,
    address: surroundings.busAddress,
    topics: shop.topics,
    ambient,
    random: random.fork('duplicates'),
    log,
  });
  opened.push(() => tap.close());

  goFirst();
  tell(`${orders} purchases and ${faults} faults within ${Math.round(withinMs / 1_000)} s`);
  const lag = monitorEventLoopDelay({ resolution: 10 });
  lag.enable();
  opened.push(() => lag.disable());
  const loadBeganMs = ambient.clock.monotonicMs();
  const busy = processorsBusy();
  const shopping = openLoop(load.arrivals, ambient, signal);
  const repeating = repeatEvents(tap, duplicates, withinMs, ambient, signal);
  const harm = doHarm({
    ...ambient,
    plan: planFaults({
      random: random.fork('faults'),
      faults,
      withinMs: withinMs * faultsWithin,
      services: shop.services,
      ...harmable(options),
    }),
    nemesis: createNemesis({
      ...ambient,
      instances: shop.instances,
      serverPid: surroundings.serverPid,
      weather: surroundings.switchboard.weather,
      signal: signalTo,
    }),
    probe: trafficProbe({
      ...ambient,
      ...access,
      token: owner.token,
      productId: products[0] ?? '',
      orderId: prepared.orderId,
    }),
    history,
    signal,
  });
  await ambient.timers.sleep(withinMs, signal);
  const busyShare = busy();
  const healedMs = await harm.heal();
  tell('all faults are healed: waiting for the last orders');
  const finalMs = await untilAllFinal(load, ambient);
  lag.disable();
  await Promise.all([shopping, harm.told()]);
  const repeated = await repeating;
  signal.throwIfAborted();
  tell('waiting for mails, then asking the witnesses');
  await untilMailsCame(load.purchases, () => readMails(folder), ambient);
  const again = [owner, ...buyers.regulars];
  const everybody = [...again, ...buyers.bargainHunters];
  writePublicReads(
    folder,
    await gatherPublicReads(access.shopUrl, everybody, again, products, prepared.stockBefore),
  );
  for (const { purchase, arrivedMs, sale } of [prepared.purchase, ...load.purchases])
    history.write({ kind: 'purchase', arrivedMs, sale, ...purchase });
  history.write({
    kind: 'end',
    loadBeganMs,
    healedMs,
    finalMs,
    duplicates: repeated,
    generatorLagMs: Math.round(lag.percentile(99) / 1e6),
    processorsBusy: busyShare,
    tookMs: Math.round(ambient.clock.monotonicMs() - begunMs),
  });
}

/**
 * What the shop is started with besides where its surroundings are: one machine is many clients here, and its log is for what
 * went wrong.
 */
const shopSettings = {
  LOG_LEVEL: 'warn',
  GATEWAY_CLIENT_REQUESTS_PER_SECOND: '100000',
  GATEWAY_CLIENT_BURST: '100000',
} as const;

/**
 * Buyers and network stand for other machines, which are not slow because the shop is: all that goes from one service to
 * another passes this process. Only root may; without, a machine that is short of cores is a slow network, too.
 */
function goFirst(): void {
  try {
    setPriority(constants.priority.PRIORITY_HIGHEST / 2);
  } catch {
    // Then it takes its turn like the others.
  }
}

/** Publishes past the proxies. */
async function withBus<T>(
  kind: SharedBus,
  { busAddress }: Surroundings,
  ambient: Ambient,
  log: Log,
  work: (publish: Bus['publish']) => Promise<T>,
): Promise<T> {
  const bus = await openSharedBus(kind, {
    address: busAddress,
    passwordFile: undefined,
    name: 'chaos',
    groupsOf: () => [],
    ambient,
    log,
  });
  try {
    return await work(bus.publish);
  } finally {
    await bus.close();
  }
}

function signalTo(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    // Gone already.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
