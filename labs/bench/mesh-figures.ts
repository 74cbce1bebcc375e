import { proportionalMiB, startMesh } from '../../conformance/mesh-process.js';
import { newPurchaser } from './measure.js';
import type { Figure } from './report.js';
import { spreadOf } from './statistics.js';

const restMs = 5_000;
const warmUps = 30;
const purchases = 100;

/**
 * The shop as processes: how long until it is ready, servers included, what its processes hold at rest together, and
 * what a purchase takes when each call is a hop over mTLS. Needs Consul, Redis, Jaeger and Prometheus on PATH.
 */
export async function meshFigures(starts: number): Promise<Figure[]> {
  const readyMs: number[] = [];
  const restMiB: number[] = [];
  const latenciesMs: number[] = [];
  for (let run = 0; run < starts; run += 1) {
    const startedMs = performance.now();
    const mesh = await startMesh();
    readyMs.push(performance.now() - startedMs);
    try {
      await new Promise((resolve) => setTimeout(resolve, restMs));
      const { pid, services } = await mesh.status();
      restMiB.push(
        [pid, ...services.map((one) => one.pid)].map(proportionalMiB).reduce((sum, one) => sum + one),
      );
      const buyer = await newPurchaser(mesh.httpUrl);
      for (let n = 0; n < warmUps; n += 1) await buyer.buy();
      for (let n = 0; n < purchases; n += 1) latenciesMs.push(await buyer.buy());
    } finally {
      await mesh.end();
    }
  }
  return [
    {
      what: 'mesh of processes: start to ready, its four servers included',
      unit: 'ms',
      spread: spreadOf(readyMs),
      goal: 'at most 10000',
    },
    {
      what: "mesh of processes: memory of all the shop's processes at rest (PSS)",
      unit: 'MiB',
      spread: spreadOf(restMiB),
      goal: 'at most 1000',
    },
    {
      what: 'mesh of processes: PlaceOrder over REST, one buyer',
      unit: 'ms',
      spread: spreadOf(latenciesMs),
    },
  ];
}
