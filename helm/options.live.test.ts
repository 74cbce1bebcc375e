import { expect } from 'chai';
import { stringify } from 'yaml';
import { temporaryFolder } from '../mesh/testing/temporary-folder.js';
import { byName, type Rendered, type RenderOptions, render } from './tools/rendered.js';

const options = {
  extraEnv: [
    { name: 'NODE_OPTIONS', value: '--trace-warnings' },
    { name: 'NODE_NAME', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } },
  ],
  extraVolumes: [{ name: 'authorities', configMap: { name: 'company-authorities' } }],
  extraVolumeMounts: [{ name: 'authorities', mountPath: '/etc/ssl/company', readOnly: true }],
  podAnnotations: { 'example.com/team': 'products' },
  podLabels: { 'example.com/tier': 'front' },
  serviceAccountAnnotations: { 'example.com/role': 'reader' },
  nodeSelector: { 'kubernetes.io/arch': 'arm64' },
  tolerations: [{ key: 'example.com/shop', operator: 'Exists', effect: 'NoSchedule' }],
  affinity: { podAntiAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [] } },
  priorityClassName: 'shop-critical',
  userId: 12_345,
  logLevel: 'debug',
  resources: { requestMiB: 111, limitMiB: 222, cpuMillis: 333, heapMiB: 99 },
  existingSecret: 'catalog-from-vault',
  image: { pullSecrets: ['registry'], pullPolicy: 'Always' },
};
const canary = { canary: { enabled: true } };

describe('the options of a service', function () {
  this.timeout(60_000);
  const folder = temporaryFolder();
  after(() => folder.remove());
  const rendered = (name: string, values: object, more: RenderOptions = {}) =>
    render({ ...more, files: [...(more.files ?? []), folder.write(`${name}.yaml`, stringify(values))] });
  const objects = rendered('one', { services: { catalog: { ...options, ...canary } } });
  const inDefaults = rendered('all', { defaults: options });
  const alone = rendered(
    'alone',
    { options: { ...options, ...canary } },
    { chart: 'helm/service', release: 'catalog', files: ['helm/shop/services/catalog.yaml'] },
  );

  const places: readonly (readonly [string, readonly Rendered[], readonly string[]])[] = [
    ['said of it', objects, ['catalog', 'catalog-canary']],
    ['said of all', inDefaults, ['catalog', 'gateway', 'users']],
    ['said of its own release', alone, ['catalog', 'catalog-canary']],
  ];
  for (const [title, release, names] of places)
    for (const name of names)
      describe(`${title}, in the pods of ${name}`, () => {
        const template = byName(release, 'Deployment').get(name)?.['spec'].template;
        const pod = template.spec;
        const [container] = pod.containers;

        it('put environment and mounts into the container, and volumes into the pod, beside its own', () => {
          expect(container.env).to.include.deep.members(options.extraEnv);
          expect(container.volumeMounts).to.include.deep.members(options.extraVolumeMounts);
          expect(pod.volumes).to.include.deep.members(options.extraVolumes);
          expect(container.env).to.deep.include({ name: 'LOG_LEVEL', value: 'debug' });
          const mounted = container.volumeMounts.map((mount: { name: string }) => mount.name);
          expect(pod.volumes.map((volume: { name: string }) => volume.name)).to.have.members(mounted);
          expect(mounted).to.include.members(['data', 'tmp', 'secrets']);
        });

        it('say where it runs, as whom, and with what', () => {
          const { nodeSelector, tolerations, affinity, priorityClassName } = options;
          expect(pod).to.deep.include({ nodeSelector, tolerations, affinity, priorityClassName });
          expect(pod.securityContext).to.include({ runAsUser: 12_345, runAsGroup: 12_345, fsGroup: 12_345 });
          expect(pod.imagePullSecrets).to.deep.equal([{ name: 'registry' }]);
          expect(container.imagePullPolicy).to.equal('Always');
          expect(container.resources).to.deep.equal({
            requests: { cpu: '333m', memory: '111Mi' },
            limits: { memory: '222Mi' },
          });
          expect(container.command).to.include('--max-old-space-size=99');
          expect(
            pod.volumes.find((one: { name: string }) => one.name === 'secrets').secret.secretName,
          ).to.equal('catalog-from-vault');
        });

        it("lay labels and annotations over the pod's, without those that policies go by", () => {
          expect(template.metadata.labels).to.include({
            ...options.podLabels,
            app: name.replace('-canary', ''),
          });
          expect(template.metadata.annotations).to.include(options.podAnnotations);
          const account = byName(release, 'ServiceAccount').get(pod.serviceAccountName);
          expect(account?.metadata.annotations).to.deep.equal(options.serviceAccountAnnotations);
        });
      });

  it('are of nobody else when they are said of one', () => {
    const usual = byName(render(), 'Deployment');
    for (const [name, deployment] of byName(objects, 'Deployment'))
      if (!name.startsWith('catalog')) expect(deployment, name).to.deep.equal(usual.get(name));
  });

  it('spread pods over zones and nodes, by a selector that is theirs, and by the version of each', () => {
    const deployments = byName(objects, 'Deployment');
    expect(deployments.size).to.equal(11);
    for (const [name, { spec }] of deployments) {
      const labels = spec.template.metadata.labels;
      const constraints = spec.template.spec.topologySpreadConstraints;
      expect(
        constraints.map(({ topologyKey }: { topologyKey: string }) => topologyKey),
        name,
      ).to.deep.equal(['topology.kubernetes.io/zone', 'kubernetes.io/hostname']);
      for (const constraint of constraints) {
        expect(constraint, name).to.include({ maxSkew: 1, whenUnsatisfiable: 'ScheduleAnyway' });
        expect(constraint.labelSelector, name).to.deep.equal({ matchLabels: { app: labels.app } });
        expect(constraint.matchLabelKeys, name).to.deep.equal(['pod-template-hash']);
      }
    }
    const off = byName(render({ set: ['defaults.topologySpread.enabled=false'] }), 'Deployment');
    for (const [name, { spec }] of off)
      expect(spec.template.spec, name).to.not.have.property('topologySpreadConstraints');
  });
});
