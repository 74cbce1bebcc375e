import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { machineHttp } from '../../mesh/runtime/outgoing-http.js';
import { packageRoot } from '../../mesh/runtime/package-root.js';
import { eventually } from '../../mesh/testing/eventually.js';

const metrics = ['event_loop_lag_ms', 'requests_in_flight'] as const;
const ofCatalog = (metric: (typeof metrics)[number]) =>
  `/apis/custom.metrics.k8s.io/v1beta2/namespaces/shop/pods/*/${metric}?labelSelector=app%3Dcatalog%2Ctrack%3Dstable`;

/** Kubernetes' own autoscaler, on the release that is installed, by what the shop's custom metrics API tells it. */
describe('autoscaling on the cluster', function () {
  this.timeout(270_000);
  let revision: string;

  const run = async (program: string, ...args: string[]) =>
    (await promisify(execFile)(program, args, { cwd: packageRoot(), timeout: 120_000 })).stdout;
  const kubectl = (...args: string[]) => run('kubectl', '--namespace', 'shop', ...args);
  const valuesOf = async (
    metric: (typeof metrics)[number] = 'requests_in_flight',
  ): Promise<ReadonlyMap<string, string>> => {
    const { items } = JSON.parse(await kubectl('get', '--raw', ofCatalog(metric))) as {
      items: { describedObject: { name: string }; value: string }[];
    };
    return new Map(items.map(({ describedObject, value }) => [describedObject.name, value]));
  };
  const readyPods = async (): Promise<string[]> => {
    const ready = '{range .items[*]}{.metadata.name} {.status.containerStatuses[*].ready}{"\\n"}{end}';
    const printed = await kubectl(
      ...['get', 'pods', '--selector', 'app=catalog,track=stable', '--output', `jsonpath=${ready}`],
    );
    return printed
      .split('\n')
      .filter((line) => line !== '' && !line.includes('false'))
      .map((line) => line.split(' ')[0] as string);
  };
  const autoscaler = async () =>
    JSON.parse(await kubectl('get', 'horizontalpodautoscaler', 'catalog', '--output', 'json')) as {
      status: {
        desiredReplicas: number;
        currentMetrics: { pods?: { metric: { name: string } } }[];
        conditions: { type: string; status: string; message: string }[];
      };
    };

  before(async () => {
    const [release] = JSON.parse(
      await run('helm', 'list', '--namespace', 'shop', '--filter', '^shop$', '--output', 'json'),
    ) as { revision: string }[];
    if (release === undefined) throw new Error('the shop is not installed: run make install-cluster');
    revision = release.revision;
    await run(
      'helm',
      ...['upgrade', 'shop', 'helm/shop', '--namespace', 'shop', '--reuse-values', '--wait'],
      ...['--set', 'autoscaling.enabled=true,services.catalog.autoscaling.enabled=true'],
      // A target that a few customers of a test reach on two cores; in again as fast as the controller looks.
      ...['--set', 'services.catalog.autoscaling.requestsInFlight=0.05'],
      ...['--set', 'services.catalog.autoscaling.eventLoopLagMs=100000'],
      ...['--set', 'services.catalog.autoscaling.maxReplicas=2'],
      ...[
        '--set-json',
        'services.catalog.autoscaling.behavior={"scaleDown":{"stabilizationWindowSeconds":0,"policies":[{"type":"Pods","value":1,"periodSeconds":15}]}}',
      ],
    );
  });
  after(async () => {
    await run('helm', 'rollback', 'shop', revision, '--namespace', 'shop');
  });

  it('is told by the API server how busy each pod is', async () => {
    // A pod that does not answer within two seconds is left out.
    await eventually(
      async () => {
        const pods = await readyPods();
        expect(pods).to.have.length(1);
        for (const metric of metrics) {
          const values = await valuesOf(metric);
          expect([...values.keys()], metric).to.deep.equal(pods);
          for (const value of values.values()) expect(value, metric).to.match(/^\d+m?$/);
        }
      },
      { withinMs: 30_000, everyMs: 500, what: 'the API server to tell it' },
    );
  });

  it("tells the same to who asks as KEDA's operator does", async () => {
    const address = await kubectl('get', 'service', 'autoscaler', '--output', 'jsonpath={.spec.clusterIP}');
    const ask = async (method: string, message: object) =>
      JSON.parse(
        await run(
          'grpcurl',
          ...['-plaintext', '-import-path', 'proto/keda', '-proto', 'externalscaler/externalscaler.proto'],
          ...['-d', JSON.stringify(message), `${address}:50061`, `externalscaler.ExternalScaler/${method}`],
        ),
      );
    const object = { name: 'catalog', namespace: 'shop', scalerMetadata: { service: 'catalog' } };
    const { metricSpecs } = await ask('GetMetricSpec', object);
    expect(metricSpecs.map(({ metricName }: { metricName: string }) => metricName)).to.deep.equal([
      'requests_in_flight',
      'event_loop_lag_ms',
    ]);
    const asked = { scaledObjectRef: object, metricName: 'event_loop_lag_ms' };
    const { metricValues } = await eventually(() => ask('GetMetrics', asked), {
      withinMs: 30_000,
      everyMs: 500,
    });
    // A loop is never on time to the microsecond.
    expect(metricValues[0].metricValueFloat).to.be.greaterThan(0);
    const elsewhere = await ask('IsActive', { ...object, namespace: 'elsewhere' }).catch(String);
    expect(elsewhere).to.match(/pods of shop are scaled here/);
  });

  it('starts a second pod under load, which gets calls, and ends it when the load is gone', async () => {
    await underLoad(async () => {
      const pods = await eventually(
        async () => {
          const ready = await readyPods();
          if (ready.length < 2)
            throw new Error(`${ready.length}: ${JSON.stringify((await autoscaler()).status)}`);
          return ready;
        },
        { withinMs: 90_000, everyMs: 1_000, what: 'a second pod of catalog' },
      );
      await eventually(
        async () => {
          const values = await valuesOf();
          expect([...values.keys()]).to.have.members(pods);
          for (const value of values.values()) expect(value).to.not.equal('0');
        },
        { withinMs: 20_000, everyMs: 1_000, what: 'both pods to have requests in flight' },
      );
      // It looks every 15 s.
      await eventually(
        async () => {
          const { conditions, currentMetrics } = (await autoscaler()).status;
          expect(currentMetrics.map((one) => one.pods?.metric.name).sort()).to.deep.equal(metrics);
          expect(conditions.find(({ type }) => type === 'ScalingActive')?.status).to.equal('True');
        },
        { withinMs: 40_000, everyMs: 1_000, what: 'the autoscaler to go by both metrics' },
      );
    });
    await eventually(
      async () => {
        expect((await autoscaler()).status.desiredReplicas).to.equal(1);
        expect(await readyPods()).to.have.length(1);
      },
      { withinMs: 85_000, everyMs: 1_000, what: 'catalog to be one pod again' },
    );
  });

  /** Istio's proxy in front of the gateway; where there is no mesh, the gateway. The machine of the tests is a node. */
  const edgeAddress = async (): Promise<string> => {
    const of = (service: string) =>
      kubectl('get', 'service', service, '--ignore-not-found', '--output', 'jsonpath={.spec.clusterIP}');
    return (await of('shop-istio')) || `${await of('gateway')}:8080`;
  };

  /** Customers who look at products, one page after the other, until the test has seen enough. Nobody may be refused. */
  const underLoad = async (seen: () => Promise<void>) => {
    const address = await edgeAddress();
    const http = machineHttp();
    const over = new AbortController();
    const problems: string[] = [];
    const customers = Array.from({ length: 6 }, async () => {
      while (!over.signal.aborted) {
        const { status, body } = await http({
          method: 'GET',
          url: new URL('/v1/products?pageSize=50', `http://${address}`),
          headers: {},
          signal: AbortSignal.timeout(10_000),
        });
        if (status !== 200) problems.push(`${status} ${body.slice(0, 200)}`);
      }
    });
    try {
      await Promise.race([seen(), Promise.all(customers)]);
    } finally {
      over.abort();
      await Promise.all(customers);
    }
    expect(problems).to.deep.equal([]);
  };
});
