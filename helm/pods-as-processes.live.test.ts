import { expect } from 'chai';
import { grpcWire } from '../mesh/rpc/grpc/channel-wire.js';
import { askHealth } from '../mesh/rpc/grpc/health-client.js';
import { loadShop } from '../mesh/shape/loaded-shop.js';
import { eventually } from '../mesh/testing/eventually.js';
import { freePort } from '../mesh/testing/free-port.js';
import { type TemporaryFolder, temporaryFolder } from '../mesh/testing/temporary-folder.js';
import { type Rendered, render } from './tools/rendered.js';
import { type PodProcess, type Replacements, startPodProcess } from './tools/rendered-process.js';

const manifests = loadShop().manifests;

/**
 * Everything that the smallest profile renders, started as it is written there: commands, variables, configuration files,
 * Secrets, with the real Consul, Redis and Jaeger. What is not Kubernetes here: each pod's address is one of loopback's, names
 * of Services are replaced by it, and files lie in a folder.
 */
describe('the pods of the charts, as processes', function () {
  this.timeout(180_000);
  const objects = render({ profile: 'minimal' });
  const workloads = objects.filter(({ kind }) => kind === 'Deployment' || kind === 'StatefulSet');
  const tests = objects.filter(({ kind, metadata }) => kind === 'Pod' && metadata.name.startsWith('test-'));
  const servers = ['consul', 'redis', 'jaeger', 'card-processor', 'mail-sink'];
  const running = new Map<string, PodProcess>();
  let folder: TemporaryFolder;
  let replacements: Replacements;

  /** Pods get 127.0.77.1, 127.0.77.2 and so on. */
  const addressOf = (name: string) =>
    `127.0.77.${workloads.findIndex(({ metadata }) => metadata.name === name) + 1}`;
  const start = (workload: Rendered, address: string) => {
    const process = startPodProcess({ objects, workload, address, folder: folder.path, replacements });
    running.set(workload.metadata.name, process);
    return process;
  };

  before(async () => {
    folder = temporaryFolder();
    const hosts = [...manifests.map(({ name }) => name), ...servers].flatMap((name) => {
      const service = name === 'jaeger' ? 'jaeger-collector' : name;
      const address = addressOf(name);
      return [
        [`${service}.shop.svc.cluster.local`, address],
        [`${service}.shop:`, `${address}:`],
      ] as const;
    });
    // Raft and gossip are on loopback itself, where others may be.
    const raft = await freePort();
    replacements = [
      ...hosts,
      ['"server": 8300', `"server": ${raft}`],
      ['"serf_lan": 8301', `"serf_lan": ${await freePort()}`],
      ['"client_addr": "0.0.0.0"', `"client_addr": "${addressOf('consul')}"`],
      ['bind 0.0.0.0', `bind ${addressOf('redis')}`],
      ['0.0.0.0:', `${addressOf('jaeger')}:`],
      // Its public image has it there; elsewhere it is on PATH.
      ['/cmd/jaeger/jaeger-linux', 'jaeger'],
    ];
    for (const workload of workloads) start(workload, addressOf(workload.metadata.name));
  });
  after(async () => {
    await Promise.all([...running.values()].map((one) => one.stop('SIGKILL')));
    folder?.remove();
  });

  it('are all there, and none has ended', async () => {
    expect(workloads.map(({ metadata }) => metadata.name)).to.have.members([
      ...manifests.map(({ name }) => name),
      ...servers,
    ]);
    for (const { name, implements: contracts } of manifests) {
      const pod = running.get(name);
      const ready = async () => {
        expect(pod?.code(), `${name}: ${pod?.said()}`).to.equal(undefined);
        if (contracts.length === 0) {
          expect((await fetch(`http://${pod?.address}:8080/readyz`)).status).to.equal(200);
          return;
        }
        const wire = grpcWire(`${pod?.address}:50051`);
        const signal = AbortSignal.timeout(2_000);
        const serving = askHealth(wire, contracts[0] ?? '', Date.now() + 2_000, signal);
        expect(await serving.finally(() => wire.close())).to.equal(true);
      };
      await eventually(ready, { what: `${name} to be ready`, withinMs: 60_000, everyMs: 200 });
    }
  });

  for (const workload of tests) {
    it(`pass ${workload.metadata.name} of helm test`, async () => {
      const pod = start(workload, '127.0.77.100');
      expect(await pod.ended(), pod.said()).to.equal(0);
      expect(pod.said()).to.match(/^ok /m);
    });
  }

  it('end in order on SIGTERM, within the time that they are given', async () => {
    for (const { metadata, spec } of workloads.filter(({ kind }) => kind === 'Deployment')) {
      const graceMs =
        1_000 *
        (spec.template.spec.terminationGracePeriodSeconds -
          spec.template.spec.containers[0].lifecycle.preStop.sleep.seconds);
      const pod = running.get(metadata.name);
      const ended = await pod?.stop('SIGTERM');
      expect(ended?.code, `${metadata.name}: ${pod?.said()}`).to.equal(0);
      expect(ended?.tookMs, metadata.name).to.be.lessThan(graceMs);
    }
  });
});
