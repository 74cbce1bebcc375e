import { type ChildProcess, spawn } from 'node:child_process';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { byName, type Rendered, render } from '../../helm/tools/rendered.js';
import { jsonToBytes } from '../../mesh/contract/json.js';
import { type ConsulProcess, consulProcess } from '../../mesh/discovery/consul-process.test.js';
import { grpcWire } from '../../mesh/rpc/grpc/channel-wire.js';
import { packageRoot } from '../../mesh/runtime/package-root.js';
import { loadShop } from '../../mesh/shape/loaded-shop.js';
import { eventually } from '../../mesh/testing/eventually.js';
import { freePort } from '../../mesh/testing/free-port.js';
import { type TemporaryFolder, temporaryFolder } from '../../mesh/testing/temporary-folder.js';
import { type ControlPlane, startControlPlane } from './control-plane.js';

const program = join(packageRoot(), 'dist/bundle/mesh/cli/main.js');
const shop = loadShop();

interface Pod {
  readonly metadata: { readonly name: string };
  readonly status: { readonly podIP?: string };
}

/**
 * Kubernetes' own API server and autoscaler with what the chart renders, and `meshmart autoscaler` with the rights that the chart gives
 * it. There is no node: each pod that the ReplicaSet makes is run as a process, and its status says so.
 */
describe("Kubernetes' autoscaler", function () {
  this.timeout(150_000);
  let control: ControlPlane;
  let consul: ConsulProcess;
  let folder: TemporaryFolder;
  let scaler: ChildProcess;
  let adminPort: number;
  const processes = new Map<string, { readonly child: ChildProcess; readonly address: string }>();
  const kubectl = (...args: string[]) => control.kubectl(['--namespace', 'shop', ...args]);
  const apply = (objects: readonly object[], ...flags: readonly string[]) =>
    control.kubectl(
      ['apply', ...flags, '--filename', '-'],
      JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }),
    );

  before(async () => {
    folder = temporaryFolder();
    [control, consul, adminPort] = await Promise.all([startControlPlane(), consulProcess(), freePort()]);
    await consul.start();
    const objects = render({
      profile: 'minimal',
      set: [
        ...[
          'store.kind=postgres',
          'postgres.enabled=true',
          'autoscaling.enabled=true',
          'tests.enabled=false',
        ],
        ...['services.shipping.autoscaling.enabled=true', 'services.shipping.autoscaling.maxReplicas=2'],
        ...[
          'services.shipping.autoscaling.requestsInFlight=0.05',
          'services.shipping.autoscaling.eventLoopLagMs=100000',
        ],
        'services.shipping.autoscaling.behavior.scaleDown.stabilizationWindowSeconds=0',
      ],
    });
    await control.kubectl(['create', 'namespace', 'shop']);
    // All of it is what the API server takes, what is not run here as well.
    await apply(objects, '--dry-run=server', '--validate=strict');
    const ours = objects.filter(
      ({ kind, metadata }) =>
        (metadata.labels?.['app'] === 'autoscaler' && kind !== 'StatefulSet' && kind !== 'Service') ||
        (metadata.labels?.['app'] === 'shipping' &&
          ['ServiceAccount', 'Deployment', 'HorizontalPodAutoscaler'].includes(kind)),
    );
    await apply(ours);
    await startAutoscaler(byName(ours, 'Secret').get('autoscaler-tls'));
  });
  after(async () => {
    for (const { child } of processes.values()) child.kill('SIGKILL');
    scaler?.kill('SIGKILL');
    await consul?.close();
    await control?.end();
    folder?.remove();
  });

  /** As its pod would have it: the chart's certificate, and a token of the chart's account. */
  const startAutoscaler = async (secret: Rendered | undefined) => {
    for (const name of ['tls.crt', 'tls.key'])
      folder.write(`certificate/${name}`, Buffer.from(secret?.['data'][name], 'base64').toString());
    folder.write('account/token', await kubectl('create', 'token', 'autoscaler'));
    folder.write('account/namespace', 'shop');
    const port = await freePort();
    scaler = spawn(process.execPath, [program, 'autoscaler'], {
      env: {
        ...process.env,
        AUTOSCALER_INSTANCES: 'kubernetes',
        AUTOSCALER_HOST: '0.0.0.0',
        AUTOSCALER_PORT: String(await freePort()),
        AUTOSCALER_METRICS_PORT: String(port),
        AUTOSCALER_CERTIFICATE: join(folder.path, 'certificate'),
        AUTOSCALER_POD_METRICS: `${adminPort}/metrics`,
        KUBERNETES_API: control.url,
        KUBERNETES_SERVICE_ACCOUNT: join(folder.path, 'account'),
        NODE_EXTRA_CA_CERTS: control.authorityFile,
      },
      stdio: 'ignore',
    });
    const address = Object.values(networkInterfaces())
      .flatMap((one) => one ?? [])
      .find(({ family, internal }) => family === 'IPv4' && !internal)?.address;
    const metadata = { name: 'autoscaler', namespace: 'shop' };
    const ports = [{ name: 'https', port: 6443, targetPort: port }];
    await apply([
      { apiVersion: 'v1', kind: 'Service', metadata, spec: { ports } },
      {
        apiVersion: 'discovery.k8s.io/v1',
        kind: 'EndpointSlice',
        metadata: { ...metadata, labels: { 'kubernetes.io/service-name': 'autoscaler' } },
        addressType: 'IPv4',
        endpoints: [{ addresses: [address], conditions: { ready: true } }],
        ports: [{ name: 'https', port }],
      },
    ]);
  };

  /** What a kubelet does: starts what is not running yet, ends what is gone. */
  const runPods = async (): Promise<string[]> => {
    const { items } = JSON.parse(
      await kubectl('get', 'pods', '--selector', 'app=shipping', '--output', 'json'),
    ) as { items: Pod[] };
    const names = items.map(({ metadata }) => metadata.name);
    for (const [name, { child }] of processes) {
      if (names.includes(name)) continue;
      child.kill('SIGKILL');
      processes.delete(name);
    }
    for (const name of names.filter((one) => !processes.has(one))) {
      const used = [...processes.values()].map(({ address }) => address);
      const address = ['127.0.0.11', '127.0.0.12'].find((one) => !used.includes(one)) ?? '127.0.0.13';
      const child = spawn(process.execPath, [program, 'serve', 'shipping'], {
        env: {
          ...process.env,
          MESHMART_INSTANCE: name,
          MESHMART_DATA: join(folder.path, name),
          CONSUL_HTTP_ADDR: consul.address,
          REDIS_URL: 'redis://127.0.0.1:1',
          TRACES_EXPORTER: 'none',
          WORKLOAD_IDENTITY: 'named',
          INSTANCE_HOST: address,
          INSTANCE_PORT: '50051',
          ADMIN_HOST: address,
          INSTANCE_ADMIN_PORT: String(adminPort),
        },
        stdio: 'ignore',
      });
      processes.set(name, { child, address });
      await eventually(async () => (await fetch(`http://${address}:${adminPort}/readyz`)).ok, {
        withinMs: 30_000,
        everyMs: 200,
        what: `${name} to be ready`,
      });
      const status = {
        phase: 'Running',
        podIP: address,
        podIPs: [{ ip: address }],
        startTime: new Date().toISOString(),
        conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: new Date().toISOString() }],
      };
      await kubectl(
        ...['patch', 'pod', name, '--subresource', 'status', '--type', 'merge'],
        ...['--patch', JSON.stringify({ status })],
      );
    }
    return names;
  };

  const quote = async (address: string, signal: AbortSignal) => {
    const method = shop.policies.get('/meshmart.shipping.v1.ShippingService/QuoteShipping');
    if (method === undefined) throw new Error('there is no quote');
    const body = jsonToBytes(shop.contract, method.input, { country: 'DE' });
    const wire = grpcWire(`${address}:50051`);
    while (!signal.aborted)
      await wire
        .call({
          method,
          body,
          metadata: { 'x-mesh-caller': 'order' },
          deadlineMs: Date.now() + 3_000,
          signal: new AbortController().signal,
        })
        .catch(() => undefined);
    wire.close();
  };

  it('finds the metrics by the API server, which knows the certificate and is known by its own', async () => {
    await eventually(runPods, { withinMs: 60_000, everyMs: 500 });
    const path = '/apis/custom.metrics.k8s.io/v1beta2/namespaces/shop/pods/*/requests_in_flight';
    const items = await eventually(
      async () => {
        await runPods();
        const answer = JSON.parse(await kubectl('get', '--raw', `${path}?labelSelector=app%3Dshipping`));
        return answer.items.length === 1 && answer.items;
      },
      { withinMs: 60_000, everyMs: 500, what: 'the metrics of a pod' },
    );
    expect(items[0].describedObject.name).to.match(/^shipping-/);
    const everybody = await kubectl('get', '--raw', `${path}`, '--as', 'system:anonymous').catch(String);
    expect(everybody).to.match(/[Ff]orbidden/);
  });

  it('starts a second pod under load, and ends it when the load is gone', async () => {
    const over = new AbortController();
    const loads: Promise<void>[] = [];
    const loaded = new Set<string>();
    try {
      await eventually(
        async () => {
          const names = await runPods();
          for (const name of names) {
            const address = processes.get(name)?.address;
            if (loaded.has(name) || address === undefined) continue;
            loaded.add(name);
            for (let caller = 0; caller < 4; caller += 1) loads.push(quote(address, over.signal));
          }
          if (names.length < 2)
            throw new Error(await kubectl('describe', 'horizontalpodautoscaler', 'shipping'));
        },
        { withinMs: 80_000, everyMs: 1_000, what: 'a second pod' },
      );
    } finally {
      over.abort();
      await Promise.all(loads);
    }
    await eventually(
      async () => {
        const names = await runPods();
        if (names.length > 1)
          throw new Error(await kubectl('describe', 'horizontalpodautoscaler', 'shipping'));
      },
      { withinMs: 80_000, everyMs: 1_000, what: 'one pod again' },
    );
    expect([...processes.values()].map(({ child }) => child.exitCode)).to.deep.equal([null]);
  });
});
