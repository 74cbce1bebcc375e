import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect } from 'chai';
import { parse, stringify } from 'yaml';
import { expectStatus, fillCart, newBuyer, request } from '../conformance/buyer.js';
import { type MeshProcess, startMesh } from '../conformance/mesh-process.js';
import { eventually } from '../mesh/testing/eventually.js';
import { freePort } from '../mesh/testing/free-port.js';
import { type TemporaryFolder, temporaryFolder } from '../mesh/testing/temporary-folder.js';
import { byName, type Rendered, render } from './tools/rendered.js';
import { type PodProcess, startPodProcess } from './tools/rendered-process.js';

const objects = render({
  profile: 'minimal',
  set: ['prometheus.enabled=true', 'monitoring.serviceMonitor.enabled=true'],
});
const isWorkload = ({ kind }: Rendered) => kind === 'Deployment' || kind === 'StatefulSet';
const services = objects.filter(({ kind }) => kind === 'Deployment').map(({ metadata }) => metadata.name);

/** The panels as Grafana gets them. */
const panels = objects
  .filter(({ metadata }) => metadata.name.startsWith('dashboard-'))
  .flatMap(({ data }) => Object.values(data as Record<string, string>))
  .flatMap((text) => (JSON.parse(text) as { panels: Panel[] }).panels);

interface Panel {
  readonly title: string;
  readonly targets: readonly { readonly expr: string; readonly legendFormat: string }[];
}

interface Series {
  readonly metric: Readonly<Record<string, string>>;
}

/**
 * The Prometheus of the chart, by its command and configuration, with the rules as the operator gets them; it asks the shop as
 * processes. What is not Kubernetes here: the API server's list of pods is written out, since Debian builds it without that
 * discovery, and says of each pod where its process is.
 */
describe('the dashboards, on a real Prometheus', function () {
  this.timeout(60_000);
  let folder: TemporaryFolder;
  let mesh: MeshProcess;
  let prometheus: PodProcess;
  let url: string;
  let config: Rendered;

  const ask = async <T>(path: string): Promise<T> => {
    const answer = await fetch(`${url}/api/v1/${path}`, { signal: AbortSignal.timeout(5_000) });
    const { status, data, error } = (await answer.json()) as { status: string; data: T; error?: string };
    if (status !== 'success') throw new Error(`${decodeURIComponent(path)}: ${error}`);
    return data;
  };
  const query = async (expression: string) =>
    (await ask<{ result: Series[] }>(`query?query=${encodeURIComponent(expression)}`)).result;

  before(async () => {
    folder = temporaryFolder();
    mesh = await startMesh();
    const places = await eventually(() => placesOf(mesh), { what: 'every service to be registered' });
    config = configOf(places);
    const workload = byName(objects, 'StatefulSet').get('prometheus') as Rendered;
    const address = `127.0.0.1:${await freePort()}`;
    prometheus = startPodProcess({
      objects: objects.map((one) => (one.metadata.name === config.metadata.name ? config : one)),
      workload,
      address,
      folder: folder.path,
      replacements: [
        ['0.0.0.0:9090', address],
        // The name of the file begins like the folder for data, which is another.
        ['/etc/meshmart/prometheus.yaml', join(folder.path, 'prometheus/etc/meshmart/prometheus.yaml')],
      ],
    });
    url = `http://${address}`;
    const ready = async () => {
      if (prometheus.code() !== undefined) throw new Error(prometheus.said());
      expect((await fetch(`${url}/-/ready`)).status).to.equal(200);
    };
    await eventually(ready, { withinMs: 20_000, everyMs: 50, what: 'Prometheus to be ready' });
  });
  after(async () => {
    await prometheus?.stop('SIGKILL');
    await mesh?.end();
    folder?.remove();
  });

  it('are of a configuration and of rules that promtool finds right', () => {
    const text = (file: string) => join(folder.path, 'prometheus/etc/meshmart', file);
    for (const [what, file] of [
      ['config', 'prometheus.yaml'],
      ['rules', 'rules.yaml'],
    ] as const) {
      const { error, status, stdout, stderr } = spawnSync('promtool', ['check', what, text(file)], {
        encoding: 'utf8',
      });
      if (error !== undefined) throw error;
      expect(status, stdout + stderr).to.equal(0);
    }
  });

  it('are about each service once, and about no server', async () => {
    await eventually(
      async () => {
        const { activeTargets } = await ask<{
          activeTargets: { labels: Record<string, string>; health: string; lastError: string }[];
        }>('targets?state=active');
        const found = activeTargets.map(({ labels }) => `${labels['service']} ${labels['pod']}`);
        expect(found.sort()).to.deep.equal(services.map((name) => `${name} ${name}-0`).sort());
        expect(activeTargets.filter(({ health }) => health !== 'up')).to.deep.equal([]);
      },
      { withinMs: 15_000, everyMs: 200, what: 'each service to be asked' },
    );
  });

  it('show something in each panel after a purchase, by the labels of its legend', async () => {
    const buyer = await newBuyer(mesh.httpUrl);
    const { body } = await request(mesh.httpUrl, 'GET', '/v1/products?pageSize=1');
    let round = 0;
    const shown = async () => {
      round += 1;
      const order = await fillCart(buyer, body.products[0].id);
      const key = { 'idempotency-key': `shown-${round}` };
      await expectStatus(buyer.call('POST', '/v1/orders', order, key), 201);
      for (const { title, targets } of panels)
        for (const { expr, legendFormat } of targets) {
          await query(expr);
          // What is shown only when something is wrong is there all the same.
          const series = await query(expr.replace(/ > 0$/, ''));
          expect(series, `${title}: ${expr}`).to.not.be.empty;
          for (const { metric } of series)
            for (const [, label = ''] of legendFormat.matchAll(/{{(\w+)}}/g))
              expect(metric, `${title}: ${expr}`).to.have.property(label);
        }
    };
    expect(panels).to.have.length.greaterThan(10);
    await eventually(shown, { withinMs: 30_000, everyMs: 500, what: 'every panel to show something' });
  });
});

/** Where the metrics of each service are. @throws Error when one is missing. */
async function placesOf({ adminUrl }: MeshProcess): Promise<ReadonlyMap<string, string>> {
  const answer = await fetch(`${adminUrl}/targets`);
  const groups = (await answer.json()) as { targets: string[]; labels: { service: string } }[];
  const places = new Map(groups.map(({ targets: [place = ''], labels }) => [labels.service, place]));
  expect([...places.keys()]).to.include.members(services);
  return places;
}

/** The ConfigMap of Prometheus with the operator's rules, and the rendered pods in place of their discovery. */
function configOf(places: ReadonlyMap<string, string>): Rendered {
  const map = byName(objects, 'ConfigMap').get('prometheus-config') as Rendered;
  const settings = parse(map['data']['prometheus.yaml']);
  const [{ kubernetes_sd_configs: discovery, ...rest }, ...others] = settings.scrape_configs;
  expect(discovery).to.deep.equal([{ role: 'pod', namespaces: { names: ['shop'] } }]);
  expect(others).to.deep.equal([]);
  const { spec } = byName(objects, 'PrometheusRule').get('meshmart') as Rendered;
  const groups = spec.groups as object[];
  const text = stringify({
    ...settings,
    // Two rounds are a rate; and nobody waits a quarter of a minute for them.
    global: { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' },
    scrape_configs: [{ ...rest, static_configs: discovered(places) }],
  });
  const rules = stringify({ groups: groups.map((group) => ({ ...group, interval: '1s' })) });
  return { ...map, data: { 'prometheus.yaml': text, 'rules.yaml': rules } };
}

/** What Kubernetes' discovery tells: each port of each container of each pod, with labels of its own. */
function discovered(places: ReadonlyMap<string, string>): object[] {
  return objects.filter(isWorkload).flatMap(({ metadata: { name }, spec: { template } }) => {
    const annotations = template.metadata.annotations as Record<string, string>;
    const [ip = '127.0.0.1', port = '9464'] = places.get(name)?.split(':') ?? [];
    const told = Object.entries({
      ...annotations,
      ...(annotations['prometheus.io/port'] === undefined ? {} : { 'prometheus.io/port': port }),
    }).map(([key, value]) => [`__meta_kubernetes_pod_annotation_${key.replace(/\W/g, '_')}`, String(value)]);
    const containers = template.spec.containers as {
      name: string;
      ports?: { name: string; containerPort: number }[];
    }[];
    return containers.flatMap(({ name: container, ports = [] }) =>
      ports.map(({ name: portName, containerPort }) => ({
        targets: [`${ip}:${containerPort}`],
        labels: {
          ...Object.fromEntries(told),
          __meta_kubernetes_pod_label_app: template.metadata.labels.app,
          __meta_kubernetes_pod_name: `${name}-0`,
          __meta_kubernetes_pod_ip: ip,
          __meta_kubernetes_pod_phase: 'Running',
          __meta_kubernetes_pod_container_name: container,
          __meta_kubernetes_pod_container_port_name: portName,
        },
      })),
    );
  });
}
