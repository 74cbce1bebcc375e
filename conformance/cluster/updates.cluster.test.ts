import { expect } from 'chai';
import { loadShop } from '../../mesh/shape/loaded-shop.js';
import { eventually } from '../../mesh/testing/eventually.js';
import { accessLog } from './access-log.js';
import { degradedOf, failuresOf } from './failures.js';
import { isReady, namespace, podOf, podsOf, untilSettled } from './pods.js';
import { kubectl, succeed } from './program.js';
import { rates, type ShopLoad, startShopLoad } from './shop-load.js';

const { manifests, owners } = loadShop();
const optional = manifests.filter(({ criticality }) => criticality === 'optional').map(({ name }) => name);
/**
 * Services that are updated at the same time, since one after the other would take ten minutes of CI. None calls another of its
 * group, so that of each call one end stands still.
 */
const groups = [
  ['gateway'],
  ['users'],
  ['order', 'recommendation'],
  ['cart', 'notification', 'payment'],
  ['catalog', 'inventory', 'shipping'],
];
/** `caller callee`, as the manifests have it. */
const edges = manifests.flatMap(({ name, calls }) =>
  calls.map((call) => `${name} ${owners.get(call.split('/')[0] ?? '')}`),
);

/** Calls of the edge to services that it can do without, which its sidecar could bring to no pod: none ready, no connection, or broken. */
async function unreached(since: Date): Promise<string[]> {
  const pods = (await podsOf('app=gateway')).filter(isReady);
  const logs = await Promise.all(pods.map(({ metadata }) => accessLog(metadata.name, since.toISOString())));
  const calls = logs.flat().filter(({ cluster }) => optional.includes(calleeOf(cluster)));
  expect(calls, 'calls to what the edge can do without').to.not.deep.equal([]);
  return calls
    .filter(({ flags }) => /U[HFCO]|LR|NR|URX/.test(flags))
    .map(({ path, flags }) => `${path}: ${flags}`);
}

/** `recommendation` of `outbound|50051|stable|recommendation.shop.svc.cluster.local`. */
const calleeOf = (cluster: string) => /^outbound\|50051\|[^|]*\|([^.]+)\./.exec(cluster)?.[1] ?? '';

describe('updates under load on the cluster', function () {
  this.timeout(240_000);
  let load: ShopLoad;
  let judged = 0;

  /** What has ended since it was last asked. */
  const fresh = () => {
    const requests = load.requests.slice(judged);
    judged += requests.length;
    return requests;
  };
  /**
   * Nothing failed, and there was something that could have. Without recommendations and notifications a page is still answered
   * for, so of these it is asked whether the edge's calls found a pod. That one was slower than the 150 ms that anybody waits
   * for it is no failure, and told.
   */
  const expectNoFailure = async (since: Date, sinceMs: number) => {
    const requests = fresh();
    expect([...failuresOf(requests), ...(await unreached(since))]).to.deep.equal([]);
    for (const line of degradedOf(requests)) console.log(`      ${line}`);
    const seconds = (load.nowMs() - sinceMs) / 1_000;
    expect(requests.length).to.be.greaterThan(0.8 * rates.readsPerSecond * seconds);
  };

  before(async () => {
    await untilSettled();
    load = await startShopLoad();
    await load.untilWell(0, 50, 30_000);
  });

  it('leave a sidecar there until the program has ended: it is a native one, in every pod', async () => {
    const pods = (await podsOf('app.kubernetes.io/part-of=meshmart')).filter(
      ({ metadata }) => !['edge', 'prometheus'].includes(metadata.labels['app'] ?? ''),
    );
    const without = pods.filter(
      ({ spec }) =>
        !spec.initContainers?.some((one) => one.name === 'istio-proxy' && one.restartPolicy === 'Always'),
    );
    expect(without.map(({ metadata }) => metadata.name)).to.deep.equal([]);
    expect(pods).to.have.length.greaterThan(manifests.length);
  });

  it('come to every service, and to none together with one that it calls', () => {
    expect(groups.flat().sort()).to.deep.equal(manifests.map(({ name }) => name).sort());
    const together = groups.flatMap((group) =>
      group.flatMap((caller) =>
        group.filter((callee) => callee !== caller).map((callee) => `${caller} ${callee}`),
      ),
    );
    expect(edges.filter((edge) => together.includes(edge))).to.deep.equal([]);
  });

  for (const round of ['first', 'second']) {
    for (const group of groups) {
      it(`of ${group.join(' and ')}: no request fails, the ${round} time`, async () => {
        fresh();
        const [since, sinceMs] = [new Date(), load.nowMs()];
        await kubectl([
          'rollout',
          'restart',
          '--namespace',
          namespace,
          ...group.map((name) => `deployment/${name}`),
        ]);
        await untilSettled();
        await expectNoFailure(since, sinceMs);
      });
    }
  }

  it('leave nothing behind that fails later', async () => {
    // Every request ends within its time, well or not: those that the last update could have hurt have ended then.
    await load.untilEnded(load.nowMs());
    expect(failuresOf(fresh())).to.deep.equal([]);
  });

  it('are what is measured: a SIGKILL of one process is seen', async () => {
    fresh();
    const { status } = await podOf('catalog');
    const killed = status.containerStatuses?.find(({ name }) => name === 'catalog');
    const id = killed?.containerID?.replace('containerd://', '') ?? '';
    const sinceMs = load.nowMs();
    const containerd = ['--address', '/run/mesh-cluster/containerd.sock', '--namespace', 'k8s.io'];
    await succeed('ctr', [...containerd, 'tasks', 'kill', '--signal', 'SIGKILL', id]);
    const since = () => load.requests.filter(({ startedMs }) => startedMs >= sinceMs);
    await eventually(() => failuresOf(since()).length > 0, {
      withinMs: 30_000,
      everyMs: 200,
      what: 'a request to fail',
    });
    await untilSettled();
    await load.untilWell(sinceMs, 50, 60_000);
    fresh();
  });

  it('and deaths lose no order, and make none twice', async () => {
    const violations = await load.end();
    expect(violations).to.deep.equal([]);
    expect(load.purchases.filter(({ last }) => last?.state === 'SHIPPED').length).to.be.greaterThan(50);
  });
});
