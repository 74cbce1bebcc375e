import { expect } from 'chai';
import { serverPorts, usesServer } from '../../helm/tools/server-users.js';
import { loadShop } from '../../mesh/shape/loaded-shop.js';
import { eventually } from '../../mesh/testing/eventually.js';
import { type Called, type Calls, callFrom, contractAddress, outcomeOf } from './calls.js';
import { knockAt, knockFrom, wasHeard } from './knocks.js';
import { isReady, namespace, podOf, podsOf } from './pods.js';
import { startProbePods, stopProbePods } from './probe-pod.js';
import { widenScopes } from './sidecar-scopes.js';

const shop = loadShop();
const ownerOf = (path: string) => shop.owners.get(path.split('/')[1] ?? '') ?? '';
const services = shop.manifests.map(({ name }) => name);
const edges = shop.manifests
  .filter(({ implements: contracts }) => contracts.length === 0)
  .map(({ name }) => name);
const methods = [...shop.policies.values()].map(({ path }) => path);
/** What the gateway and the tests of the release may ask of each service, and nobody else. */
const watching = [
  '/grpc.health.v1.Health/Check',
  '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo',
];

/** Every method of every service, those of the edge's own gRPC port among them. */
const everything: readonly Calls[] = services.map((callee) => ({
  dial: contractAddress(callee),
  authority: contractAddress(callee),
  paths: [
    ...(edges.includes(callee) ? methods : methods.filter((path) => ownerOf(path) === callee)),
    ...watching,
  ],
}));

const keyOf = (callee: string, path: string) => `${contractAddress(callee)} ${path}`;
const told = (called: Called) => `${called.authority} ${called.path}`;

/** What a service declares, as its manifest has it. */
function declaredBy(caller: string): string[] {
  const manifest = shop.manifests.find(({ name }) => name === caller);
  const calls = (manifest?.calls ?? []).map((call) => keyOf(ownerOf(`/${call}`), `/${call}`));
  const watched = edges.includes(caller) ? services.filter((callee) => !edges.includes(callee)) : [];
  return [...calls, ...watched.flatMap((callee) => watching.map((path) => keyOf(callee, path)))].sort();
}

/** Pods that are no service: without a sidecar, with one and an identity that nobody knows, and past it. */
const outsider = { name: 'outsider', labels: { 'sidecar.istio.io/inject': 'false' } };
const stranger = { name: 'stranger', labels: { app: 'shop-tests' } };
const passer = {
  name: 'passer',
  labels: { app: 'shop-tests' },
  annotations: { 'traffic.sidecar.istio.io/excludeOutboundIPRanges': '0.0.0.0/0' },
};

describe('authorization on the cluster', function () {
  this.timeout(120_000);
  let putBack: (() => Promise<void>) | undefined;

  before(async () => {
    putBack = await widenScopes();
    await startProbePods([outsider, stranger, passer]);
  });
  after(async () => {
    await putBack?.();
    await stopProbePods([outsider, stranger, passer]);
  });

  for (const caller of services) {
    it(`lets ${caller} call what its manifest declares; everything else is PERMISSION_DENIED`, async () => {
      const pod = await podOf(caller);
      // Until the sidecar has the wider scope, what is out of it is not reached.
      const results = await eventually(
        async () => {
          const seen = await callFrom(pod.metadata.name, caller, everything);
          expect(seen.filter((one) => outcomeOf(one) === 'not reached')).to.deep.equal([]);
          return seen;
        },
        { withinMs: 60_000, everyMs: 500, what: `${caller} to reach everybody` },
      );
      const denied = results.filter((one) => outcomeOf(one) === 'denied by the mesh').map(told);
      const declared = declaredBy(caller);
      expect(
        results
          .filter((one) => outcomeOf(one) === 'passed')
          .map(told)
          .sort(),
      ).to.deep.equal(declared);
      expect(denied).to.have.length(results.length - declared.length);
    });
  }

  it('shuts the ports of servers, at layer 4, to services that do not declare them', async () => {
    const knocks = Object.entries(serverPorts).map(([server, port]) =>
      knockAt(server, `${server}.${namespace}.svc.cluster.local`, port),
    );
    const heard: string[] = [];
    // One by one: ten at once would take the processors from the probes that say whether a pod is ready.
    for (const service of services) {
      const results = await knockFrom((await podOf(service)).metadata.name, service, knocks);
      heard.push(...results.filter(wasHeard).map(({ name }) => `${service} ${name}`));
    }
    const declared = shop.manifests.flatMap((manifest) =>
      Object.keys(serverPorts)
        .filter((server) => usesServer(manifest, server))
        .map((server) => `${manifest.name} ${server}`),
    );
    expect(heard.sort()).to.deep.equal(declared.sort());
  });

  it('gives nothing to an identity that nobody declares', async () => {
    const results = await callFrom(stranger.name, 'probe', everything);
    expect(results.filter((one) => outcomeOf(one) !== 'denied by the mesh')).to.deep.equal([]);
    const knocks = Object.entries(serverPorts).map(([server, port]) =>
      knockAt(server, `${server}.${namespace}.svc.cluster.local`, port),
    );
    expect((await knockFrom(stranger.name, 'probe', knocks)).filter(wasHeard)).to.deep.equal([]);
  });

  for (const { name } of [outsider, passer]) {
    it(`gives nothing to a pod without identity: ${name === 'passer' ? 'past its sidecar' : 'it has no sidecar'}`, async () => {
      const results = await callFrom(name, 'probe', everything);
      expect(results.filter((one) => one.status !== undefined || one.http !== undefined)).to.deep.equal([]);
    });

    it(`refuses plaintext from it on every port of every pod`, async () => {
      const pods = (await podsOf('app.kubernetes.io/part-of=meshmart')).filter(isReady);
      const knocks = pods.flatMap(({ metadata, spec, status }) =>
        spec.containers
          .filter((container) => container.name !== 'istio-proxy')
          .flatMap(({ ports = [] }) => ports)
          .map(({ containerPort }) => knockAt(metadata.name, status.podIP ?? '', containerPort)),
      );
      expect(knocks.length).to.be.greaterThan(2 * services.length);
      const results = await knockFrom(name, 'probe', knocks);
      expect(results.filter(({ heard }) => heard !== '')).to.deep.equal([]);
    });
  }

  it('is why nobody answers: from inside the pods the same words are answered', async () => {
    for (const service of services) {
      const pod = await podOf(service);
      const ports = pod.spec.containers.find(({ name }) => name === service)?.ports ?? [];
      const knocks = ports.map(({ containerPort }) => knockAt(service, '127.0.0.1', containerPort));
      const results = await knockFrom(pod.metadata.name, service, knocks);
      expect(
        results.filter(({ heard }) => heard === ''),
        service,
      ).to.deep.equal([]);
    }
  });
});
