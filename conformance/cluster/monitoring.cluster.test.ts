import { expect } from 'chai';
import { loadShop } from '../../mesh/shape/loaded-shop.js';
import { eventually } from '../../mesh/testing/eventually.js';
import { addressOf, namespace, podsOf } from './pods.js';

interface Series {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [number, string];
}

/** The chart's Prometheus, which finds pods by the API server, and asks Istio's agents: mTLS leaves these alone. */
describe('monitoring on the cluster', function () {
  this.timeout(60_000);
  const services = loadShop().manifests.map(({ name }) => name);
  let url: string;
  const query = async (expression: string): Promise<Series[]> => {
    const answer = await fetch(`${url}/api/v1/query?query=${encodeURIComponent(expression)}`, {
      signal: AbortSignal.timeout(5_000),
    });
    const { status, data, error } = (await answer.json()) as {
      status: string;
      data?: { result: Series[] };
      error?: string;
    };
    if (status !== 'success') throw new Error(`${expression}: ${error}`);
    return data?.result ?? [];
  };

  before(async () => {
    url = `http://${await addressOf('prometheus')}:9090`;
  });

  it('asks every pod of every service, once', async () => {
    const pods = (await podsOf('app.kubernetes.io/part-of=meshmart'))
      .filter(({ metadata }) => services.includes(metadata.labels['app'] ?? ''))
      .map(({ metadata }) => `${metadata.labels['app']} ${metadata.name}`);
    expect(pods.length).to.be.at.least(services.length);
    await eventually(
      async () => {
        const asked = (await query('up{job="meshmart"}'))
          .filter(({ metric }) => services.includes(metric['service'] ?? ''))
          .map(({ metric, value: [, up] }) => `${metric['service']} ${metric['pod']} ${up}`);
        expect(asked.sort()).to.deep.equal(pods.map((pod) => `${pod} 1`).sort());
      },
      { withinMs: 40_000, everyMs: 1_000, what: `every pod of ${namespace} to be asked` },
    );
  });

  it('hears what programs and what proxies count', async () => {
    for (const metric of ['mesh_requests_in_flight', 'envoy_cluster_upstream_cx_active']) {
      const found = await query(`count by (service) ({__name__=~".*${metric}"})`);
      expect(
        found.map(({ metric: labels }) => labels['service']),
        metric,
      ).to.include('catalog');
    }
  });
});
