import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { MeshError } from '../../contract/error.js';
import { jsonToBytes } from '../../contract/json.js';
import { type ConsulProcess, consulProcess } from '../../discovery/consul-process.test.js';
import { grpcWire } from '../../rpc/grpc/channel-wire.js';
import { askHealth } from '../../rpc/grpc/health-client.js';
import type { Wire } from '../../rpc/wire.js';
import type { Environment } from '../../runtime/setting.js';
import { eventually } from '../../testing/eventually.js';
import { freePort } from '../../testing/free-port.js';
import { type TemporaryFolder, temporaryFolder } from '../../testing/temporary-folder.js';
import { loadShop } from '../loaded-shop.js';
import { type RunningInstance, startInstance } from './instance.js';

const shop = loadShop();
const prefix = 'spiffe://cluster.local/ns/shop/sa/';
const quote = '/meshmart.shipping.v1.ShippingService/QuoteShipping';

interface Entry {
  readonly Service: {
    readonly Address: string;
    readonly Port: number;
    readonly TaggedAddresses: { readonly virtual?: { readonly Address: string; readonly Port: number } };
    readonly Meta: Readonly<Record<string, string>>;
  };
}

/** What the charts set in a pod, with loopback in place of the pod's network. */
describe('an instance in a pod', function () {
  this.timeout(60_000);
  let consul: ConsulProcess;
  let folder: TemporaryFolder;
  let port: number;
  const instances: RunningInstance[] = [];
  const wires: Wire[] = [];

  beforeEach(async () => {
    consul = await consulProcess();
    await consul.start();
    folder = temporaryFolder();
    port = await freePort();
  });
  afterEach(async () => {
    for (const wire of wires.splice(0)) wire.close();
    await Promise.all(instances.splice(0).map((instance) => instance.stop()));
    await consul.close();
    folder.remove();
  });

  const start = async (service: string, environment: Environment) => {
    const manifest = shop.manifests.find(({ name }) => name === service);
    if (manifest === undefined) throw new Error(`there is no ${service}`);
    const instance = await startInstance({
      shop,
      manifest,
      id: `${service}-5d9c-x2x4`,
      dataFolder: join(folder.path, service),
      environment: {
        INSTANCE_PORT: String(port),
        INSTANCE_ADDRESS: '127.0.0.2',
        AUTHORITY_DOMAIN: 'shop.svc.cluster.local',
        // Names are looked up by the system; this one is its own address.
        VIRTUAL_HOST: '127.0.0.1',
        CONSUL_HTTP_ADDR: consul.address,
        // Nobody is there: neither needs to be, to start.
        REDIS_URL: 'redis://127.0.0.1:1',
        TRACES_EXPORTER: 'none',
        DRAIN_MS: '1000',
        ...environment,
      },
    });
    instances.push(instance);
    return instance;
  };

  const wireOf = () => {
    const wire = grpcWire(`127.0.0.1:${port}`);
    wires.push(wire);
    return wire;
  };
  const soon = () => Date.now() + 3_000;
  const never = new AbortController().signal;

  /** The code of a call for a quote. @param metadata as a proxy or a caller would write it. */
  const codeOf = async (metadata: Readonly<Record<string, string>>) => {
    const method = shop.policies.get(quote);
    if (method === undefined) throw new Error(`there is no ${quote}`);
    const body = jsonToBytes(shop.contract, method.input, { country: 'DE' });
    return wireOf()
      .call({ method, body, metadata, deadlineMs: soon(), signal: never })
      .then(
        () => 'OK',
        (error: unknown) => MeshError.from(error).code,
      );
  };

  it('is in Consul with the address of the pod, the one that stands for all, and the authority of the contract', async () => {
    await start('shipping', { WORKLOAD_IDENTITY: 'named' });
    const [entry] = await eventually(async () => {
      const found = (await consul.request('GET', '/v1/health/service/shipping?passing')) as Entry[];
      return found.length > 0 && found;
    });
    expect(entry?.Service).to.include({ Address: '127.0.0.2', Port: port });
    expect(entry?.Service.TaggedAddresses.virtual).to.deep.equal({ Address: '127.0.0.1', Port: port });
    expect(entry?.Service.Meta['authority']).to.equal(`shipping.shop.svc.cluster.local:${port}`);
  });

  it('answers the probes in plain HTTP/2: alive by the empty name, ready by its own', async () => {
    const instance = await start('shipping', { WORKLOAD_IDENTITY: 'mesh', WORKLOAD_PREFIX: prefix });
    const ask = (name: string) => askHealth(wireOf(), name, soon(), never);
    expect(await ask('')).to.equal(true);
    expect(await ask('meshmart.shipping.v1.ShippingService')).to.equal(true);
    expect((await fetch(`${instance.addresses.adminUrl}/readyz`)).status).to.equal(200);
  });

  it('lets in whom the mesh names and the manifests allow', async () => {
    await start('shipping', { WORKLOAD_IDENTITY: 'mesh', WORKLOAD_PREFIX: prefix });
    const by = (service: string) => codeOf({ 'x-forwarded-client-cert': `By=x;URI=${prefix}${service}` });
    expect(await by('order')).to.equal('OK');
    expect(await by('cart')).to.equal('PERMISSION_DENIED');
    expect(await codeOf({ 'x-mesh-caller': 'order' })).to.equal('UNAUTHENTICATED');
  });

  it('without a mesh lets in who names itself and is allowed', async () => {
    await start('shipping', { WORKLOAD_IDENTITY: 'named' });
    expect(await codeOf({ 'x-mesh-caller': 'order' })).to.equal('OK');
    expect(await codeOf({ 'x-mesh-caller': 'cart' })).to.equal('PERMISSION_DENIED');
    expect(await codeOf({})).to.equal('UNAUTHENTICATED');
  });

  for (const [addresses, code] of [
    ['virtual', 'UNAUTHENTICATED'],
    ['instance', 'UNAVAILABLE'],
  ] as const) {
    it(`dials the address of DISCOVERY_ADDRESS=${addresses}, and says who it is`, async () => {
      const key = folder.write('secrets/users-signing-key', 'x'.repeat(32));
      chmodSync(key, 0o440);
      await start('users', { WORKLOAD_IDENTITY: 'named', MESHMART_SECRETS: join(folder.path, 'secrets') });
      port = await freePort();
      await start('shipping', { WORKLOAD_IDENTITY: 'named', DISCOVERY_ADDRESS: addresses });
      // To judge a token shipping asks users for the keys. Nobody listens at the address of users' own.
      const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
      const token = `${part({ alg: 'EdDSA', typ: 'at+jwt', kid: 'unknown' })}.${part({})}.${'A'.repeat(86)}`;
      const metadata = { 'x-mesh-caller': 'order', authorization: `Bearer ${token}` };
      expect(await codeOf(metadata)).to.equal(code);
    });
  }

  it('says which secret is missing from what is mounted', async () => {
    folder.write('secrets/other', '');
    const problem = await start('users', {
      WORKLOAD_IDENTITY: 'named',
      MESHMART_SECRETS: join(folder.path, 'secrets'),
    }).then(
      () => 'it started',
      (error: Error) => error.message,
    );
    expect(problem).to.match(/users-signing-key is missing: put it into the Secret that is mounted there/);
  });

  it('is out of Consul when it has stopped', async () => {
    const instance = await start('shipping', { WORKLOAD_IDENTITY: 'named' });
    await instance.stop();
    expect(await consul.request('GET', '/v1/health/service/shipping?passing')).to.deep.equal([]);
  });
});
