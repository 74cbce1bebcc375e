import { expect } from 'chai';
import { loadShop } from '../../mesh/shape/loaded-shop.js';
import { eventually } from '../../mesh/testing/eventually.js';
import { accessLog } from './access-log.js';
import { callFrom, contractAddress, outcomeOf } from './calls.js';
import { addressOf, get, isReady, namespace, type Pod, podOf, podsOf, probe } from './pods.js';

const services = loadShop().manifests.map(({ name }) => name);
const listProducts = '/meshmart.catalog.v1.CatalogService/ListProducts';

interface Page {
  readonly status: number;
  readonly body: string;
}

/** Reads a page from within a service's container. */
async function readFrom(pod: Pod, url: string): Promise<string> {
  const service = pod.metadata.labels['app'] ?? '';
  const [page] = await probe<Page[]>(pod.metadata.name, service, 'read-http', {
    urls: [url],
    withinMs: 5_000,
  });
  expect(page?.status, url).to.equal(200);
  return page?.body ?? '';
}

/** Of its proxy's counters, those of traffic that nobody has routed, by their names without the proxy's own punctuation. */
const counters = (page: string) =>
  Object.fromEntries(
    [...page.matchAll(/^(\S+): (\d+)$/gm)].map(([, name = '', count]) => [
      name.replace(';', ''),
      Number(count),
    ]),
  );

describe('discovery on the cluster: Consul says who is there, Istio routes', function () {
  this.timeout(90_000);

  it('1. serves at the same port on Services and in containers, and says that it is gRPC', async () => {
    for (const service of services) {
      const { spec } = await get<{ spec: { ports: Record<string, unknown>[] } }>(
        'service',
        service,
        '--namespace',
        namespace,
      );
      const [port] = spec.ports.filter(({ name }) => name === 'grpc');
      expect(port, service).to.include({ port: 50051, targetPort: 50051, appProtocol: 'grpc' });
      const [container] = (await podOf(service)).spec.containers.filter(({ name }) => name === service);
      expect(
        container?.ports?.map(({ containerPort }) => containerPort),
        service,
      ).to.include(50051);
    }
  });

  it("2. is registered with the pod's address, the Service's as virtual, and the contract's authority, alive by a TTL", async () => {
    const asking = await podOf('gateway');
    for (const service of services) {
      const virtual = await addressOf(service);
      const entries = await eventually(
        async () => {
          const pods = (await podsOf(`app=${service}`)).filter(isReady);
          const page = await readFrom(
            asking,
            `http://consul.${namespace}:8500/v1/health/service/${service}?passing`,
          );
          const found = JSON.parse(page) as {
            Service: { Address: string; Port: number; TaggedAddresses: object; Meta: object };
            Checks: { Type: string; ServiceID: string }[];
          }[];
          expect(found.map(({ Service }) => Service.Address)).to.have.members(
            pods.map(({ status }) => status.podIP),
          );
          return found;
        },
        { withinMs: 20_000, everyMs: 500, what: `Consul to know the pods of ${service}` },
      );
      for (const { Service, Checks } of entries) {
        expect(Service.Port, service).to.equal(50051);
        expect(Service.TaggedAddresses, service).to.deep.include({
          virtual: { Address: virtual, Port: 50051 },
        });
        expect(Service.Meta, service).to.include({ authority: contractAddress(service) });
        const own = Checks.filter(({ ServiceID }) => ServiceID !== '').map(({ Type }) => Type);
        expect(own, service).to.deep.equal(['ttl']);
      }
    }
  });

  it('3. names the service in full in every call that services make', async () => {
    for (const service of services) {
      const lines = (await accessLog((await podOf(service)).metadata.name)).filter(
        ({ cluster, path }) => cluster.startsWith('outbound|50051|') && path.startsWith('/meshmart.'),
      );
      // Each asks at least for the keys of tokens.
      expect(lines, service).to.not.deep.equal([]);
      for (const { cluster, authority } of lines) {
        const host = cluster.split('|')[3] ?? '';
        // With the port or without: a sidecar takes no notice of it.
        expect(authority, service).to.be.oneOf([host, `${host}:50051`]);
      }
    }
  });

  it('4. sends nothing past the mesh', async () => {
    for (const service of services) {
      const pod = await podOf(service);
      const page = await readFrom(pod, 'http://127.0.0.1:15000/stats?filter=^cluster\\.PassthroughCluster');
      const seen = counters(page);
      // Envoy tells of this cluster, and counts its connections from the first one on.
      expect(seen, service).to.include.keys('cluster.PassthroughCluster.update_success');
      expect(seen['cluster.PassthroughCluster.upstream_cx_total'] ?? 0, service).to.equal(0);
      const past = (await accessLog(pod.metadata.name)).filter(({ cluster }) =>
        cluster.startsWith('PassthroughCluster'),
      );
      expect(past, service).to.deep.equal([]);
    }
  });

  it('5. reaches a service by name, by a pod and by the Service, under the authority of the contract; a bare pod not', async () => {
    const caller = await podOf('gateway');
    const pod = `${(await podOf('catalog')).status.podIP}:50051`;
    const virtual = `${await addressOf('catalog')}:50051`;
    const name = contractAddress('catalog');
    const rows = [
      [name, name, 'passed'],
      [pod, pod, 'not reached'],
      [pod, name, 'passed'],
      [virtual, name, 'passed'],
      [virtual, virtual, 'passed'],
    ] as const;
    const calls = rows.map(([dial, authority]) => ({ dial, authority, paths: [listProducts] }));
    const results = await callFrom(caller.metadata.name, 'gateway', calls);
    expect(results.map((one) => [one.dial, one.authority, outcomeOf(one)])).to.deep.equal(rows);
  });
});
