import { expect } from 'chai';
import { loadShop } from '../mesh/shape/loaded-shop.js';
import { byName, type Rendered, render } from './tools/rendered.js';

const manifests = loadShop().manifests;
const profiles = ['minimal', 'istio', 'production', 'ambient'];

describe('the claims of servers', function () {
  this.timeout(20_000);

  it("are of the storage class that is said, or the cluster's own", () => {
    const classOf = (name: string, set: readonly string[]) =>
      byName(render({ set }), 'StatefulSet').get(name)?.['spec'].volumeClaimTemplates[0].spec
        .storageClassName;
    for (const name of ['postgres', 'redis', 'consul']) {
      const kept = `${name}.persistent=true`;
      expect(classOf(name, [kept]), name).to.equal(undefined);
      expect(classOf(name, [kept, `${name}.storageClass=fast`]), name).to.equal('fast');
    }
  });
});

describe('the pods of the charts', function () {
  this.timeout(60_000);

  for (const profile of profiles) {
    describe(`in profile ${profile}`, () => {
      const objects = render({
        profile,
        set: [
          ...(profile === 'minimal' ? ['prometheus.enabled=true', 'grafana.enabled=true'] : []),
          ...(profile === 'ambient' ? [] : ['autoscaling.enabled=true']),
        ],
      });
      const workloads = objects.filter(({ kind }) =>
        ['Deployment', 'StatefulSet', 'Job', 'Pod'].includes(kind),
      );

      it('hold to the restricted standard, and only read their root file system', () => {
        expect(workloads.length).to.be.greaterThan(9);
        for (const workload of workloads) {
          const pod = podOf(workload);
          const name = `${workload.kind} ${workload.metadata.name}`;
          expect(pod.securityContext, name).to.include({ runAsNonRoot: true });
          expect(pod.securityContext.seccompProfile, name).to.deep.equal({ type: 'RuntimeDefault' });
          expect(pod, name).to.not.have.any.keys('hostNetwork', 'hostPID', 'hostIPC');
          for (const volume of pod.volumes)
            expect(Object.keys(volume)[1], `${name} ${volume.name}`).to.be.oneOf([
              'emptyDir',
              'secret',
              'configMap',
              'persistentVolumeClaim',
              'projected',
            ]);
          for (const container of [...pod.containers, ...(pod.initContainers ?? [])])
            expect(container.securityContext, `${name} ${container.name}`).to.deep.equal({
              allowPrivilegeEscalation: false,
              readOnlyRootFilesystem: true,
              capabilities: { drop: ['ALL'] },
            });
        }
      });

      it('say what memory they ask for and what they may have, and run a command that is written out', () => {
        for (const workload of workloads)
          for (const container of podOf(workload).containers) {
            const name = `${workload.kind} ${workload.metadata.name}`;
            expect(container.command, name).to.be.an('array').that.is.not.empty;
            expect(mib(container.resources.requests.memory), name).to.be.greaterThan(0);
            expect(mib(container.resources.limits.memory), name).to.be.at.least(
              mib(container.resources.requests.memory),
            );
          }
      });

      it('ask for at most 900 MiB for the ten services, 1,280 MiB with Consul, Redis and Jaeger', () => {
        const asked = (names: readonly string[]) =>
          workloads
            .filter(
              ({ kind, metadata }) =>
                ['Deployment', 'StatefulSet'].includes(kind) && names.includes(metadata.name),
            )
            .reduce((sum, one) => sum + mib(podOf(one).containers[0].resources.requests.memory), 0);
        const services = manifests.map(({ name }) => name);
        expect(asked(services)).to.be.within(1, 900);
        expect(asked([...services, 'consul', 'redis', 'jaeger'])).to.be.within(1, 1_280);
      });

      it('have an identity each, and no token of the API server but for who asks it', () => {
        const accounts = byName(objects, 'ServiceAccount');
        for (const workload of workloads) {
          const { serviceAccountName, automountServiceAccountToken } = podOf(workload);
          const expected = workload.kind === 'Pod' ? 'shop-tests' : workload.metadata.labels?.['app'];
          expect(serviceAccountName).to.equal(expected);
          expect(accounts.get(serviceAccountName)?.['automountServiceAccountToken']).to.equal(false);
          expect(automountServiceAccountToken, workload.metadata.name).to.equal(
            ['prometheus', 'autoscaler'].includes(serviceAccountName),
          );
        }
      });

      it('ask for a native sidecar wherever they get one, and nowhere else', () => {
        const sidecars = profile === 'istio' || profile === 'production';
        for (const workload of workloads) {
          const { labels = {}, annotations = {} } = podMetadataOf(workload);
          const injected = sidecars && labels['sidecar.istio.io/inject'] !== 'false';
          expect(
            annotations['sidecar.istio.io/nativeSidecar'],
            `${workload.kind} ${workload.metadata.name}`,
          ).to.equal(injected ? 'true' : undefined);
        }
      });

      it('have time to end: at least the sum of what ending takes', () => {
        for (const deployment of byName(objects, 'Deployment').values()) {
          const pod = podOf(deployment);
          const [container] = pod.containers;
          const drainMs = Number(
            container.env.find(({ name }: { name: string }) => name === 'DRAIN_MS').value,
          );
          const seconds = container.lifecycle.preStop.sleep.seconds + drainMs / 1_000;
          expect(pod.terminationGracePeriodSeconds, deployment.metadata.name).to.be.at.least(seconds + 5);
        }
      });

      it('are probed by gRPC: alive by the empty name, ready by the contract; the edge on its admin port', () => {
        for (const { name, implements: contracts } of manifests) {
          const [container] = podOf(byName(objects, 'Deployment').get(name)).containers;
          if (contracts.length === 0) {
            const asked = (path: string) => ({ path, port: 'admin' });
            expect(container.startupProbe.httpGet, name).to.deep.equal(asked('/healthz'));
            expect(container.livenessProbe.httpGet, name).to.deep.equal(asked('/healthz'));
            expect(container.readinessProbe.httpGet, name).to.deep.equal(asked('/readyz'));
            continue;
          }
          expect(container.startupProbe.grpc, name).to.deep.equal({ port: 50051, service: '' });
          expect(container.livenessProbe.grpc, name).to.deep.equal({ port: 50051, service: '' });
          expect(container.readinessProbe.grpc, name).to.deep.equal({ port: 50051, service: contracts[0] });
        }
      });

      it('are behind Services whose port is their own and says that it is gRPC', () => {
        for (const { name } of manifests) {
          const { ports, selector } = byName(objects, 'Service').get(name)?.['spec'] ?? {};
          expect(ports[0], name).to.deep.equal({
            name: 'grpc',
            port: 50051,
            targetPort: 50051,
            appProtocol: 'grpc',
          });
          expect(selector).to.deep.equal({ app: name });
        }
      });

      it('have a budget only where there are several', () => {
        const budgets = byName(objects, 'PodDisruptionBudget');
        expect([...budgets.keys()]).to.have.members(
          profile === 'production' ? manifests.map(({ name }) => name) : [],
        );
      });

      it('prove who they are by the mesh where there is one, and dial the address that stands for all', () => {
        for (const deployment of byName(objects, 'Deployment').values()) {
          const env = Object.fromEntries(
            podOf(deployment).containers[0].env.map(({ name, value }: { name: string; value: string }) => [
              name,
              value,
            ]),
          );
          const { name } = deployment.metadata;
          const mesh = profile !== 'minimal';
          expect(env, name).to.include({
            WORKLOAD_IDENTITY: mesh ? 'mesh' : 'named',
            DISCOVERY_ADDRESS: mesh ? 'virtual' : 'instance',
            AUTHORITY_DOMAIN: 'shop.svc.cluster.local',
            VIRTUAL_HOST: `${name}.shop.svc.cluster.local`,
          });
        }
      });
    });
  }
});

// biome-ignore lint/suspicious/noExplicitAny: a pod has many shapes.
function podOf(workload: Rendered | undefined): any {
  return workload?.kind === 'Pod' ? workload['spec'] : workload?.['spec'].template.spec;
}

function podMetadataOf(workload: Rendered): Rendered['metadata'] {
  return workload.kind === 'Pod' ? workload.metadata : workload['spec'].template.metadata;
}

function mib(text: string): number {
  return Number(/^(\d+)Mi$/.exec(text)?.[1]);
}
