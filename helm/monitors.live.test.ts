import { expect } from 'chai';
import { parse } from 'yaml';
import { loadShop } from '../mesh/shape/loaded-shop.js';
import { byName, type Rendered, render } from './tools/rendered.js';

const services = loadShop().manifests.map(({ name }) => name);
const on = ['monitoring.serviceMonitor.enabled=true'];

interface RuleGroup {
  readonly name: string;
  readonly interval: string;
  readonly rules: readonly { readonly record: string; readonly expr: string }[];
}

describe("what the charts tell Prometheus' operator", function () {
  this.timeout(60_000);
  const ofOperator = ({ apiVersion }: Rendered) => apiVersion.startsWith('monitoring.coreos.com/');

  it('is nothing unless it is asked for', () => {
    expect(render().filter(ofOperator)).to.deep.equal([]);
  });

  it('is a monitor of each service, which finds each pod by one Service, while there is a canary, too', () => {
    for (const profile of ['istio', 'ambient']) {
      const set = [...on, ...services.map((name) => `services.${name}.canary.enabled=true`)];
      const objects = render({ profile, set });
      const monitors = byName(objects, 'ServiceMonitor');
      expect([...monitors.keys()]).to.have.members(services);
      const all = objects.filter(({ kind }) => kind === 'Service');
      for (const name of services) {
        expect(all.map(({ metadata }) => metadata.name)).to.include.members([
          name,
          `${name}-stable`,
          `${name}-canary`,
        ]);
        const found = all.filter(({ metadata }) =>
          selects(monitors.get(name)?.['spec'].selector, metadata.labels),
        );
        expect(found.map(({ metadata, spec }) => [metadata.name, spec.selector])).to.deep.equal([
          [name, { app: name }],
        ]);
      }
    }
  });

  it('is what the Prometheus beside the shop records, computed as often as pods are asked', () => {
    const set = [...on, 'monitoring.serviceMonitor.interval=20s', 'prometheus.enabled=true'];
    const objects = render({ set });
    const config = byName(objects, 'ConfigMap').get('prometheus-config')?.['data'];
    const beside = (parse(config['rules.yaml']) as { groups: RuleGroup[] }).groups;
    const told = byName(objects, 'PrometheusRule').get('meshmart')?.['spec'].groups as RuleGroup[];
    expect(beside.flatMap(({ rules }) => rules)).to.have.length.greaterThan(3);
    expect(told).to.deep.equal(beside.map((group) => ({ ...group, interval: '20s' })));
  });

  it('has the labels by which the operator chooses', () => {
    const objects = render({ set: [...on, 'monitoring.serviceMonitor.labels.release=prometheus'] });
    const told = objects.filter(ofOperator);
    expect(told).to.have.length(services.length + 1);
    for (const { kind, metadata } of told)
      expect(metadata.labels, `${kind} ${metadata.name}`).to.include({ release: 'prometheus' });
  });
});

interface Selector {
  readonly matchLabels: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly { readonly key: string; readonly operator: string }[];
}

/** As Kubernetes reads a selector. @throws Error for an operator that nobody uses here. */
function selects(selector: Selector, labels: Readonly<Record<string, string>> = {}): boolean {
  const { matchLabels, matchExpressions = [] } = selector;
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every(({ key, operator }) => {
      if (operator !== 'DoesNotExist')
        throw new Error(`operator ${operator} of label ${key}: teach it to this test`);
      return labels[key] === undefined;
    })
  );
}
