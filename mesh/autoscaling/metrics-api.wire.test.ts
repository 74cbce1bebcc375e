import { createServer, type Server } from 'node:http';
import { request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { machineAmbient } from '../runtime/ambient.js';
import { type TestAuthority, testAuthority } from '../security/test-certificates.test.js';
import { createMetrics, type Metrics } from '../telemetry/metrics.js';
import { collectingLog } from '../testing/collecting-log.js';
import { eventually } from '../testing/eventually.js';
import { type TemporaryFolder, temporaryFolder } from '../testing/temporary-folder.js';
import { type Autoscaler, startAutoscaler } from './autoscaler.js';

const base = '/apis/custom.metrics.k8s.io/v1beta2';
const configMap = '/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication';

/** The autoscaler as a pod, with what it asks in place of a cluster: pods' lists as the API server gives them, and pods. */
describe('the custom metrics API', function () {
  this.timeout(20_000);
  const ambient = machineAmbient();
  let folder: TemporaryFolder;
  let cluster: TestAuthority;
  let apiServer: Server;
  let pod: Server;
  let metrics: Metrics;
  let autoscaler: Autoscaler;
  let log: ReturnType<typeof collectingLog>;
  /** What the API server was asked for, without the ConfigMap. */
  let asked: string[];
  let pods: object[];

  const podOf = (name: string, fields: object = {}, podIP = '127.0.0.1') => ({
    metadata: { name, ...fields },
    status: { phase: 'Running', podIP },
  });
  const namesOf = (body: { items: { describedObject: { name: string } }[] }) =>
    body.items.map(({ describedObject }) => describedObject.name);

  beforeEach(async () => {
    folder = temporaryFolder();
    cluster = testAuthority();
    asked = [];
    metrics = createMetrics({ version: '1', shape: 'test', clock: ambient.clock, process: false });
    pod = await listening(
      createServer((_, response) => {
        void metrics.text().then(({ contentType, text }) => {
          response.writeHead(200, { 'content-type': contentType }).end(text);
        });
      }),
    );
    pods = [podOf('catalog-1')];
    const { caPem } = cluster.identityOf('front-proxy');
    apiServer = await listening(
      createServer((incoming, response) => {
        const url = new URL(incoming.url ?? '', 'http://api');
        const json = (body: object, status = 200) => response.writeHead(status).end(JSON.stringify(body));
        if (incoming.headers.authorization !== 'Bearer the-token') json({}, 401);
        else if (url.pathname === configMap)
          json({
            data: {
              'requestheader-client-ca-file': caPem,
              'requestheader-allowed-names': '["front-proxy"]',
            },
          });
        else {
          asked.push(decodeURIComponent(`${url.pathname}${url.search}`));
          json({ metadata: {}, items: pods });
        }
      }),
    );
    folder.write('account/token', 'the-token\n');
    folder.write('account/namespace', 'shop');
    const own = cluster.identityFor({ commonName: 'autoscaler', dnsNames: ['localhost'] });
    folder.write('certificate/tls.crt', own.certificatePem);
    folder.write('certificate/tls.key', own.keyPem);
    log = collectingLog();
    autoscaler = await startAutoscaler({
      environment: {
        AUTOSCALER_INSTANCES: 'kubernetes',
        AUTOSCALER_PORT: '0',
        AUTOSCALER_METRICS_PORT: '0',
        AUTOSCALER_CERTIFICATE: `${folder.path}/certificate`,
        AUTOSCALER_POD_METRICS: `${portOf(pod)}/metrics`,
        KUBERNETES_API: `http://127.0.0.1:${portOf(apiServer)}`,
        KUBERNETES_SERVICE_ACCOUNT: `${folder.path}/account`,
      },
      ambient,
      log,
    });
  });
  afterEach(async () => {
    await autoscaler?.close();
    for (const server of [apiServer, pod]) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
    folder.remove();
  });

  type Shown = ReturnType<TestAuthority['identityOf']> | undefined;
  const ask = (path: string, shown: Shown = cluster.identityFor({ commonName: 'front-proxy' })) =>
    // biome-ignore lint/suspicious/noExplicitAny: objects of Kubernetes have many shapes.
    new Promise<{ status: number; body: any }>((resolve, reject) => {
      const sent = request(
        `${autoscaler.metricsApiUrl}${path}`,
        {
          ca: cluster.identityOf('any').caPem,
          servername: 'localhost',
          agent: false,
          ...(shown === undefined ? {} : { cert: shown.certificatePem, key: shown.keyPem }),
        },
        (response) => {
          let text = '';
          response.on('data', (chunk: Buffer) => {
            text += String(chunk);
          });
          response.once('end', () => resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) }));
        },
      );
      sent.on('error', reject);
      sent.end();
    });

  it('says which metrics there are, as an API of Kubernetes says it', async () => {
    const { status, body } = await ask(base);
    expect(status).to.equal(200);
    expect(body).to.include({ kind: 'APIResourceList', groupVersion: 'custom.metrics.k8s.io/v1beta2' });
    expect(body.resources.map(({ name }: { name: string }) => name)).to.deep.equal([
      'pods/requests_in_flight',
      'pods/event_loop_lag_ms',
    ]);
    expect((await ask('/apis/custom.metrics.k8s.io')).body.preferredVersion.version).to.equal('v1beta2');
  });

  it('gives the load of the pods of a selector, which the API server interprets', async () => {
    pods = [podOf('catalog-1'), podOf('catalog-2', { deletionTimestamp: 'now' })];
    const method = { path: '/a.B/C', kind: 'unary' } as const;
    metrics.rpc('catalog').inFlight('server', method, 1);
    const { status, body } = await ask(
      `${base}/namespaces/shop/pods/*/requests_in_flight?labelSelector=app%3Dcatalog%2Ctrack%3Dstable`,
    );
    expect(status).to.equal(200);
    expect(body.items).to.have.length(1);
    expect(body.items[0]).to.deep.include({
      describedObject: { kind: 'Pod', namespace: 'shop', name: 'catalog-1', apiVersion: 'v1' },
      metric: { name: 'requests_in_flight', selector: null },
      value: '1',
    });
    expect(asked).to.deep.equal([
      '/api/v1/namespaces/shop/pods?labelSelector=app=catalog,track=stable&limit=40',
    ]);
  });

  it('gives means in thousandths, over the time since it was asked before', async () => {
    const path = `${base}/namespaces/shop/pods/*/requests_in_flight`;
    const method = { path: '/a.B/C', kind: 'unary' } as const;
    metrics.rpc('catalog').inFlight('server', method, 1);
    await ask(path);
    metrics.rpc('catalog').inFlight('server', method, -1);
    // A mean needs a second at least; until then there is but the moment, in which nothing is in flight.
    const item = await eventually(
      async () => {
        const [found] = (await ask(path)).body.items;
        return found.windowSeconds >= 1 && found;
      },
      { everyMs: 100 },
    );
    expect(item.value).to.match(/^\d{1,3}m$|^0$/);
  });

  it('gives the lag of the event loop of a pod by its name', async () => {
    metrics.rpc('catalog').inFlight('server', { path: '/a.B/C', kind: 'unary' }, 1);
    for (const seconds of [0.01, 0.0255]) metrics.eventLoopLag(seconds);
    const { body } = await ask(`${base}/namespaces/shop/pods/catalog-1/event_loop_lag_ms`);
    expect(body.items[0].value).to.equal('17750m');
    expect(asked).to.deep.equal([
      '/api/v1/namespaces/shop/pods?fieldSelector=metadata.name=catalog-1&limit=40',
    ]);
  });

  it('leaves out a pod that does not tell its load, and says so in the log', async () => {
    pods = [podOf('catalog-1'), podOf('catalog-2', {}, '127.0.0.2')];
    const { body } = await ask(`${base}/namespaces/shop/pods/*/requests_in_flight`);
    expect(namesOf(body)).to.deep.equal(['catalog-1']);
    expect(log.lines.map(({ message }) => message)).to.include('an instance does not tell its load');
  });

  it('does not know what is not there: other metrics, other namespaces, other kinds, other pods', async () => {
    pods = [];
    for (const path of [
      `${base}/namespaces/shop/pods/*/cpu`,
      `${base}/namespaces/elsewhere/pods/*/requests_in_flight`,
      `${base}/namespaces/shop/services/catalog/requests_in_flight`,
      `${base}/namespaces/shop/pods/none/requests_in_flight`,
    ])
      expect((await ask(path)).body, path).to.include({ kind: 'Status', reason: 'NotFound', code: 404 });
  });

  it('answers the API server, and nobody else', async () => {
    const path = `${base}/namespaces/shop/pods/*/requests_in_flight`;
    const refused = async (shown: Shown) => (await ask(path, shown)).status;
    expect(await refused(cluster.identityFor({ commonName: 'somebody' }))).to.equal(401);
    expect(await refused(testAuthority().identityFor({ commonName: 'front-proxy' }))).to.equal(401);
    const bare = await new Promise<number>((resolve, reject) => {
      request(
        `${autoscaler.metricsApiUrl}${path}`,
        { rejectUnauthorized: false, agent: false },
        (response) => {
          response.resume();
          resolve(response.statusCode ?? 0);
        },
      )
        .on('error', reject)
        .end();
    });
    expect(bare).to.equal(401);
    expect(asked).to.deep.equal([]);
  });

  it('tells the kubelet that it lives', async () => {
    expect((await ask('/healthz', testAuthority().identityFor({ commonName: 'nobody' }))).status).to.equal(
      200,
    );
  });
});

async function listening(server: Server): Promise<Server> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}
