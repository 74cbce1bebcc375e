import { expect } from 'chai';
import { loadShop } from '../mesh/shape/loaded-shop.js';
import { byName, render } from './tools/rendered.js';

const services = loadShop().manifests.map(({ name }) => name);
const monitor = 'monitoring.serviceMonitor';
const on = [`${monitor}.enabled=true`, `${monitor}.interval=7s`, `${monitor}.labels.release=operator`];

describe('the ServiceMonitors of the charts', function () {
  this.timeout(60_000);

  for (const [profile, path, port] of [
    ['minimal', '/metrics', 9464],
    ['istio', '/stats/prometheus', 15020],
    ['ambient', '/metrics', 9464],
  ] as const)
    describe(`in profile ${profile}`, () => {
      const objects = render({ profile, set: on });
      const monitors = byName(objects, 'ServiceMonitor');

      it('are one for each service, with the labels by which the operator looks for them', () => {
        expect([...monitors.keys()]).to.have.members(services);
        for (const [name, { metadata }] of monitors)
          expect(metadata.labels).to.include({ release: 'operator', app: name });
      });

      it('select the Service of that name and no other, by a port that it has', () => {
        const all = [...byName(objects, 'Service').values()];
        for (const [name, { metadata, spec }] of monitors) {
          const selected = all.filter((service) =>
            Object.entries(spec.selector.matchLabels).every(
              ([label, value]) => service.metadata.labels?.[label] === value,
            ),
          );
          expect(selected.map((service) => service.metadata.name)).to.deep.equal([name]);
          expect(selected[0]?.metadata.namespace).to.equal(metadata.namespace);
          for (const { port: named } of spec.endpoints)
            expect(selected[0]?.['spec'].ports.map((one: { name: string }) => one.name)).to.include(named);
        }
      });

      it('ask each pod where it tells of itself, as often as is said', () => {
        for (const [name, { spec }] of monitors) {
          expect(spec.endpoints, name).to.have.length(1);
          expect(spec.endpoints[0], name).to.deep.include({ path, interval: '7s' });
          expect(spec.endpoints[0].relabelings, name).to.deep.equal([
            {
              sourceLabels: ['__meta_kubernetes_pod_ip'],
              targetLabel: '__address__',
              replacement: `$1:${port}`,
            },
          ]);
        }
      });

      it('are let in there by the NetworkPolicy of each', () => {
        for (const name of services) {
          const rules = byName(objects, 'NetworkPolicy').get(name)?.['spec'].ingress;
          expect(rules, name).to.deep.include({
            from: [{ podSelector: { matchLabels: { 'app.kubernetes.io/name': 'prometheus' } } }],
            ports: [{ protocol: 'TCP', port }],
          });
        }
      });
    });

  it('are there only when they are asked for', () => {
    expect(byName(render(), 'ServiceMonitor').size).to.equal(0);
  });
});
