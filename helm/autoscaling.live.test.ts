import { X509Certificate } from 'node:crypto';
import { expect } from 'chai';
import { byName, type Rendered, render } from './tools/rendered.js';

const on = ['autoscaling.enabled=true', 'services.catalog.autoscaling.enabled=true'];

describe('autoscaling', function () {
  this.timeout(60_000);
  const scalersOf = (objects: readonly Rendered[]) => byName(objects, 'HorizontalPodAutoscaler');
  const targets = (scaler: Rendered | undefined): unknown =>
    scaler?.['spec'].metrics.map(
      ({ pods }: { pods: { metric: { name: string }; target: { averageValue: string } } }) => [
        pods.metric.name,
        pods.target.averageValue,
      ],
    );

  it('is off unless it is asked for, and then of the services that are named', () => {
    const off = render();
    expect(scalersOf(off).size).to.equal(0);
    expect(off.filter(({ metadata }) => metadata.labels?.['app'] === 'autoscaler')).to.deep.equal([]);
    expect([...scalersOf(render({ set: on })).keys()]).to.deep.equal(['catalog']);
  });

  it('is by requests in flight and event-loop lag, with targets that may be fractions', () => {
    const usual = scalersOf(render({ set: on })).get('catalog');
    expect(targets(usual)).to.have.deep.members([
      ['requests_in_flight', '8'],
      ['event_loop_lag_ms', '50'],
    ]);
    const set = [...on, 'services.catalog.autoscaling.requestsInFlight=0.25'];
    expect(targets(scalersOf(render({ set })).get('catalog'))).to.deep.include([
      'requests_in_flight',
      '0.25',
    ]);
  });

  it('is as far as the manifest allows, out fast and in slowly', () => {
    const spec = scalersOf(render({ set: on })).get('catalog')?.['spec'];
    expect(spec).to.include({ minReplicas: 1, maxReplicas: 4 });
    expect(spec.scaleTargetRef).to.deep.equal({ apiVersion: 'apps/v1', kind: 'Deployment', name: 'catalog' });
    expect(spec.behavior.scaleUp.stabilizationWindowSeconds).to.equal(0);
    expect(spec.behavior.scaleDown.stabilizationWindowSeconds).to.equal(120);
    const deployment = byName(render({ set: on }), 'Deployment').get('catalog');
    expect(deployment?.['spec']).to.not.have.property('replicas');
  });

  it('is by CPU where nobody tells the load of pods', () => {
    const set = ['services.catalog.autoscaling.enabled=true'];
    const [metric] = scalersOf(render({ set })).get('catalog')?.['spec'].metrics ?? [];
    expect(metric.containerResource).to.include({ name: 'cpu', container: 'catalog' });
  });

  it('is the same for one service that is a release of its own', () => {
    const one = render({
      chart: 'helm/service',
      release: 'catalog',
      files: ['helm/shop/services/catalog.yaml'],
      set: ['autoscaling.enabled=true', 'options.autoscaling.enabled=true'],
    });
    expect(scalersOf(one).get('catalog')).to.deep.equal(scalersOf(render({ set: on })).get('catalog'));
  });

  it('has an API of the cluster, whose certificate is signed by the authority that the API server is told', () => {
    const objects = render({ set: on });
    const secret = byName(objects, 'Secret').get('autoscaler-tls')?.['data'];
    const api = byName(objects, 'APIService').get('v1beta2.custom.metrics.k8s.io')?.['spec'];
    expect(api).to.deep.include({ group: 'custom.metrics.k8s.io', version: 'v1beta2' });
    expect(api.service).to.deep.equal({ name: 'autoscaler', namespace: 'shop', port: 6443 });
    expect(api).to.not.have.property('insecureSkipTLSVerify');
    const pem = (base64: string) => new X509Certificate(Buffer.from(base64, 'base64'));
    const certificate = pem(secret['tls.crt']);
    expect(api.caBundle).to.equal(secret['ca.crt']);
    expect(certificate.verify(pem(api.caBundle).publicKey)).to.equal(true);
    expect(certificate.checkHost('autoscaler.shop.svc')).to.equal('autoscaler.shop.svc');
  });

  it('has a certificate of its own, whose authority the API server is told', () => {
    const set = [
      'autoscaling.enabled=true',
      'autoscaling.existingSecret=tls',
      'autoscaling.caBundle=authority',
    ];
    const objects = render({ set });
    const api = byName(objects, 'APIService').get('v1beta2.custom.metrics.k8s.io')?.['spec'];
    expect(Buffer.from(api.caBundle, 'base64').toString()).to.equal('authority');
    expect(byName(objects, 'Secret').has('autoscaler-tls')).to.equal(false);
  });

  it('may read pods of its namespace, and how the API server proves itself; nothing else', () => {
    const objects = render({ set: on });
    const ours = objects.filter(({ metadata }) => metadata.labels?.['app'] === 'autoscaler');
    expect(ours.map(({ kind }) => kind)).to.not.include.members(['ClusterRole']);
    expect(byName(objects, 'Role').get('autoscaler')?.['rules']).to.deep.equal([
      { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list'] },
    ]);
    const bindings = ours.filter(({ kind }) => kind === 'RoleBinding');
    expect(bindings.map(({ metadata, roleRef }) => [metadata.namespace, roleRef.name])).to.have.deep.members([
      ['shop', 'autoscaler'],
      ['kube-system', 'extension-apiserver-authentication-reader'],
    ]);
  });

  it('asks pods on the port that mTLS leaves alone, and is let in there', () => {
    for (const [profile, place, port] of [
      ['istio', '15020/stats/prometheus', 15020],
      ['minimal', '9464/metrics', 9464],
    ] as const) {
      const objects = render({ profile, set: ['autoscaling.enabled=true'] });
      const pod = byName(objects, 'StatefulSet').get('autoscaler')?.['spec'].template;
      const env = pod.spec.containers[0].env as { name: string; value: string }[];
      expect(env.find(({ name }) => name === 'AUTOSCALER_POD_METRICS')?.value).to.equal(place);
      expect(pod.metadata.labels['sidecar.istio.io/inject']).to.equal('false');
      const policies = byName(objects, 'NetworkPolicy');
      for (const [policy, direction, peer] of [
        ['catalog', 'ingress', 'from'],
        ['autoscaler', 'egress', 'to'],
      ] as const) {
        const rules = policies.get(policy)?.['spec'][direction] as Record<string, { port: number }[]>[];
        const selects = direction === 'ingress' ? '"autoscaler"' : '"meshmart"';
        const found = rules.filter((rule) => JSON.stringify(rule[peer] ?? []).includes(selects));
        expect(
          found.flatMap(({ ports }) => ports?.map((one) => one.port)),
          `${profile} ${policy}`,
        ).to.deep.equal([port]);
      }
    }
  });
});
