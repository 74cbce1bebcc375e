import { expect } from 'chai';
import { loadShop } from '../../mesh/shape/loaded-shop.js';
import { eventually } from '../../mesh/testing/eventually.js';
import { expectStatus, fillCart, newBuyer, request } from '../buyer.js';
import { blockOf } from '../document-blocks.js';
import { findEdge } from './edge.js';
import { get, namespace } from './pods.js';
import { startProbePods } from './probe-pod.js';
import { kubectl, succeed } from './program.js';

const services = loadShop().manifests.map(({ name }) => name);
const shell = (lines: string) => ['-euo', 'pipefail', '-c', lines];

const uninstall = () =>
  succeed('bash', shell(blockOf('docs/kubernetes.md', 'run: uninstall')), { withinMs: 150_000 });

/** The release that verify-cluster.sh has installed, with the IMAGE and SET that it gave. Nothing is left of it then. */
describe('helm uninstall on the cluster', function () {
  this.timeout(420_000);
  let token: string;
  let order: string;

  /** What the release has made outside of its namespaces. */
  const elsewhere = async () => {
    const kinds = ['role', 'rolebinding', 'clusterrole', 'clusterrolebinding', 'service', 'networkpolicy'];
    const { items } = await get<{
      items: { kind: string; metadata: { name: string; namespace?: string } }[];
    }>(kinds.join(','), ...['--all-namespaces', '--selector', 'app.kubernetes.io/part-of=meshmart']);
    return items
      .filter(({ metadata }) => ![namespace, 'observability'].includes(metadata.namespace ?? ''))
      .map(({ kind, metadata }) => `${kind.toLowerCase()}/${metadata.name}`)
      .join('\n');
  };
  const apis = () => kubectl(['get', 'apiservice', '--output', 'name']);

  before(async () => {
    const { httpUrl } = await findEdge();
    const buyer = await newBuyer(httpUrl);
    token = buyer.token;
    const wanted = await fillCart(buyer, 'prd_linen-lamp');
    const placed = await buyer.call('POST', '/v1/orders', wanted, { 'idempotency-key': 'kept' });
    expect(placed.status, placed.text).to.be.oneOf([201, 202]);
    order = placed.body.order.id;
  });

  it('keeps accounts and orders for the next release', async () => {
    await uninstall();
    // With the autoscaler, which has something outside of the namespace.
    const set = [process.env['SET'], 'autoscaling.enabled=true'].filter(Boolean).join(',');
    await succeed('bash', shell(`make --no-print-directory install-cluster SET='${set}'`), {
      withinMs: 200_000,
    });
    expect(await elsewhere()).to.match(/rolebinding\S*\/autoscaler-shop$/m);
    expect(await apis()).to.match(/custom\.metrics\.k8s\.io$/m);
    const url = (await findEdge()).httpUrl;
    const orders = await eventually(
      () =>
        expectStatus(request(url, 'GET', '/v1/orders', undefined, { authorization: `Bearer ${token}` }), 200),
      { withinMs: 60_000, everyMs: 500, what: 'orders to be listed' },
    );
    expect(orders.body.orders.map(({ id }: { id: string }) => id)).to.deep.equal([order]);
  });

  it('leaves nothing but what was there before it, and what PostgreSQL and Redis keep, with the Secrets for it', async () => {
    // As a test that failed leaves it.
    await startProbePods([
      { name: 'test-failed', labels: { app: 'shop-tests', 'sidecar.istio.io/inject': 'false' } },
    ]);
    await uninstall();
    const kinds = (await kubectl(['api-resources', '--namespaced', '--verbs=list', '--output=name']))
      .trim()
      .split('\n');
    const asked = kinds.filter((kind) => !/^events(\.|$)/.test(kind)).join(',');
    const left = async (of: string) =>
      (await kubectl(['get', asked, '--namespace', of, '--output', 'name', '--ignore-not-found']))
        .trim()
        .split('\n')
        .sort();
    const always = [
      'configmap/istio-ca-crl',
      'configmap/istio-ca-root-cert',
      'configmap/kube-root-ca.crt',
      'serviceaccount/default',
    ];
    const secrets = [...services.map((name) => `${name}-secrets`), 'postgres-admin', 'redis-users'];
    await eventually(
      async () => {
        expect(await left(namespace)).to.deep.equal(
          [
            ...always,
            ...secrets.map((name) => `secret/${name}`),
            ...['data-postgres-0', 'data-redis-0'].map((name) => `persistentvolumeclaim/${name}`),
          ].sort(),
        );
        expect(await left('observability')).to.deep.equal(always);
      },
      { withinMs: 90_000, everyMs: 1_000, what: 'everything to be gone' },
    );
    expect(await elsewhere()).to.equal('');
    expect(await apis()).to.not.contain('custom.metrics');
  });

  it('ends with its namespaces, by the last line of docs/kubernetes.md', async () => {
    await succeed('bash', shell(blockOf('docs/kubernetes.md', 'run: remove')), { withinMs: 150_000 });
    expect(await kubectl(['get', 'namespaces', '--output', 'name'])).to.not.match(
      /namespace\/(shop|observability)\b/,
    );
  });
});
