import { expect } from 'chai';
import { astray } from './astray.js';
import { failuresOf } from './failures.js';
import { type ToldOutage, writeOutages } from './outage-report.js';
import { namespace, podOf, untilSettled } from './pods.js';
import { kubectl } from './program.js';
import { type ShopLoad, startShopLoad } from './shop-load.js';

const minuteMs = 60_000;
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const scale = (of: string, workload: string, replicas: number) =>
  kubectl(['scale', '--namespace', of, workload, `--replicas=${replicas}`]);
/** Everything but what stands for the world outside of the shop: the witnesses keep their books in their pods. */
const ours = 'app notin (card-processor, mail-sink, databases)';

/** What is done to the shop, and undone. */
interface Outage {
  readonly what: string;
  strike(): Promise<void>;
}

const outages: readonly Outage[] = [
  {
    what: 'a pod of order and one of payment are deleted without notice',
    strike: async () => {
      const pods = [(await podOf('order')).metadata.name, (await podOf('payment')).metadata.name];
      await kubectl(['delete', 'pod', '--namespace', namespace, '--grace-period=0', '--force', ...pods]);
    },
  },
  {
    what: 'Consul and istiod are down for a minute, both at once, and Consul comes back empty',
    strike: async () => {
      await scale(namespace, 'statefulset/consul', 0);
      await scale('istio-system', 'deployment/istiod', 0);
      await pause(minuteMs);
      // A pod that is made while nobody gives out sidecars gets none: istiod first.
      await scale('istio-system', 'deployment/istiod', 1);
      await kubectl(
        ['rollout', 'status', '--namespace', 'istio-system', 'deployment/istiod', '--timeout=60s'],
        {
          withinMs: 70_000,
        },
      );
      await scale(namespace, 'statefulset/consul', 1);
    },
  },
  {
    what: 'every pod of the node is restarted at once, those of PostgreSQL, Redis, DNS and Istio among them',
    strike: async () => {
      await kubectl(['delete', 'pod', '--all-namespaces', '--selector', ours, '--wait=false']);
    },
  },
];

describe('outages under load on the cluster', function () {
  this.timeout(360_000);
  let load: ShopLoad;
  const told: ToldOutage[] = [];

  before(async () => {
    await untilSettled();
    load = await startShopLoad();
    await load.untilWell(0, 50, 30_000);
  });

  for (const { what, strike } of outages) {
    it(`${what}: all is well again by itself`, async () => {
      const from = load.requests.length;
      const beganMs = load.nowMs();
      await strike();
      const undoneMs = load.nowMs();
      await untilSettled();
      await load.untilWell(undoneMs, 50, 120_000);
      const requests = load.requests.slice(from);
      const failed = requests.filter(({ problem }) => problem !== undefined);
      const lastMs = Math.max(undoneMs, ...failed.map(({ endedMs }) => endedMs));
      told.push({
        what,
        lastedMs: undoneMs - beganMs,
        requests: requests.length,
        failed: failed.length,
        failures: failuresOf(requests),
        wellAfterMs: lastMs - undoneMs,
      });
    });
  }

  it('make no service try to reach what it has not declared', async () => {
    // The services' pods are others since the last outage: this is what they did when all came up at once.
    expect(await astray()).to.deep.equal([]);
  });

  it('no order that was acknowledged is lost, none is made or charged twice', async () => {
    const violations = await load.end();
    expect(violations).to.deep.equal([]);
    const shipped = load.purchases.filter(({ last }) => last?.state === 'SHIPPED').length;
    expect(shipped).to.be.greaterThan(50);
    const report = process.env['MESHMART_CLUSTER_REPORT'];
    if (report !== undefined) writeOutages(report, told, { purchases: load.purchases.length, shipped });
  });
});
