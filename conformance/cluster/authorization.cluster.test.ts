import { expect } from 'chai';
import { serverPorts, usesServer } from '../../helm/tools/server-users.js';
import { loadShop } from '../../mesh/shape/loaded-shop.js';
import { eventually } from '../../mesh/testing/eventually.js';
import { expectStatus, newBuyer, request } from '../buyer.js';
import { accessLog } from './access-log.js';
import { type Called, type Calls, callFrom, contractAddress, outcomeOf } from './calls.js';
import { findEdge } from './edge.js';
import { knockAt, knockFrom, wasHeard } from './knocks.js';
import { isReady, namespace, type Pod, podOf, podsOf } from './pods.js';
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

/**
 * Metrics, and whether the proxy and its program are well: Istio leaves these in plain text, for kubelet and Prometheus. Where a network
 * plugin enforces NetworkPolicies, the outsider would not come as far; that of the test cluster does not.
 */
const agentPorts = [15020, 15021, 15090];

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

/** Pods that are no service: without a sidecar, with one and the identity of tests or one that nobody knows, and past it. */
const outsider = { name: 'outsider', labels: { 'sidecar.istio.io/inject': 'false' } };
/** The identity of `helm test`. */
const tester = { name: 'tester', serviceAccount: 'shop-tests', labels: { app: 'shop-tests' } };
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
    await startProbePods([outsider, tester, stranger, passer]);
  });
  after(async () => {
    await putBack?.();
    await stopProbePods([outsider, tester, stranger, passer]);
  });

  /** Calls everything. Until the sidecar has the wider scope, and while a callee has no turn, one is not reached: it is done anew. */
  const reachEverybody = (pod: string, container: string) =>
    eventually(
      async () => {
        const seen = await callFrom(pod, container, everything);
        expect(seen.filter((one) => outcomeOf(one) === 'not reached')).to.deep.equal([]);
        return seen;
      },
      { withinMs: 60_000, everyMs: 500, what: `${pod} to reach everybody` },
    );

  for (const caller of services) {
    it(`lets ${caller} call what its manifest declares; everything else is PERMISSION_DENIED`, async () => {
      const results = await reachEverybody((await podOf(caller)).metadata.name, caller);
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

  it('shuts the port for HTTP of the gateway to services: only the edge and tests come there', async () => {
    const knocks = edges.map((edge) => knockAt(edge, `${edge}.${namespace}.svc.cluster.local`, 8080));
    for (const service of services) {
      const results = await knockFrom((await podOf(service)).metadata.name, service, knocks);
      expect(results.filter(wasHeard), service).to.deep.equal([]);
    }
    expect((await knockFrom(tester.name, 'probe', knocks)).filter(wasHeard)).to.have.length(knocks.length);
  });

  it('lets tests ask every service how it is and what it serves, and call nothing but the gateway', async () => {
    const results = await reachEverybody(tester.name, 'probe');
    const allowed = everything.flatMap(({ authority, paths }) =>
      (edges.map(contractAddress).includes(authority) ? paths : watching).map(
        (path) => `${authority} ${path}`,
      ),
    );
    expect(
      results
        .filter((one) => outcomeOf(one) !== 'denied by the mesh')
        .map(told)
        .sort(),
    ).to.deep.equal(allowed.sort());
  });

  it('turns a forged token away before the program sees it', async () => {
    const { httpUrl } = await findEdge();
    const { token } = await newBuyer(httpUrl);
    const [head, claims, signature = ''] = token.split('.');
    const forged = [head, claims, `${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`].join('.');
    const cart = (bearer: string) =>
      request(httpUrl, 'GET', '/v1/cart', undefined, { authorization: `Bearer ${bearer}` });
    await expectStatus(cart(token), 200);
    const since = new Date().toISOString();
    const refused = await expectStatus(cart(forged), 401);
    expect(refused.text).to.equal('Jwt verification fails');
    const gateway = await podOf('gateway');
    await eventually(
      async () => {
        const lines = await accessLog(gateway.metadata.name, since);
        const denied = lines.filter(({ details }) => details.startsWith('jwt_authn_access_denied'));
        expect(denied.map(({ path, status }) => `${status} ${path}`)).to.deep.equal(['401 /v1/cart']);
      },
      { withinMs: 10_000, everyMs: 500, what: "the gateway's sidecar to note it" },
    );
  });

  it('gives nothing to an identity that nobody declares', async () => {
    const results = await reachEverybody(stranger.name, 'probe');
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

    it(`refuses plaintext from it on every port of every pod of the mesh, but where Istio's agent tells how it is`, async () => {
      const pods = (await podsOf('app.kubernetes.io/part-of=meshmart')).filter(isReady);
      const inMesh = pods.filter(({ spec }) =>
        spec.initContainers?.some((container) => container.name === 'istio-proxy'),
      );
      const beside = pods
        .filter((pod) => !inMesh.includes(pod))
        .map(({ metadata }) => metadata.labels['app']);
      // The edge is a proxy itself, and Prometheus asks pods: neither has a sidecar.
      expect(beside.filter((app) => app !== 'edge' && app !== 'prometheus')).to.deep.equal([]);
      const knocksAt = (pod: Pod, ports: readonly number[]) =>
        ports.map((port) => knockAt(pod.metadata.name, pod.status.podIP ?? '', port));
      const own = inMesh.flatMap((pod) =>
        knocksAt(
          pod,
          pod.spec.containers.flatMap(({ ports = [] }) => ports.map(({ containerPort }) => containerPort)),
        ),
      );
      expect(own.length).to.be.greaterThan(2 * services.length);
      const agents = inMesh.flatMap((pod) => knocksAt(pod, agentPorts));
      const results = await knockFrom(name, 'probe', [...own, ...agents]);
      const place = (knock: { readonly name: string; readonly port: number }) =>
        `${knock.name}:${knock.port}`;
      expect(
        results
          .filter(({ heard }) => heard !== '')
          .map(place)
          .sort(),
      ).to.deep.equal(agents.map(place).sort());
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
