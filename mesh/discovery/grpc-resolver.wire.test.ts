import { Client, credentials, type ServiceConfig, type ServiceError, status } from '@grpc/grpc-js';
import { expect } from 'chai';
import { machineAmbient } from '../runtime/ambient.js';
import { type CollectingLog, collectingLog } from '../testing/collecting-log.js';
import { eventually } from '../testing/eventually.js';
import { endpointAt } from './contract-suite.js';
import { type Echo, echoServer, load, say } from './echo-server.test.js';
import { type MeshResolverOptions, type MeshScheme, registerMeshResolver } from './grpc-resolver.js';
import { createStaticResolver, type StaticResolver } from './static-resolver.js';

let schemes = 0;

describe('channels by a mesh resolver', function () {
  this.timeout(20_000);
  const ambient = machineAmbient();
  let servers: Echo[];
  let clients: Client[];
  let resolver: StaticResolver;
  let log: CollectingLog;

  beforeEach(() => {
    servers = [];
    clients = [];
    log = collectingLog();
    resolver = createStaticResolver({ ambient, log, graceMs: 300 });
  });
  afterEach(() => {
    for (const client of clients) client.close();
    for (const server of servers) server.end();
    resolver.close();
  });

  const start = async (count: number) => {
    servers = await Promise.all(Array.from({ length: count }, () => echoServer()));
    return servers.map(({ port }) => endpointAt(port));
  };
  /** A scheme of its own for each test: the table of grpc-js is one for all. */
  const register = (
    options: Partial<MeshResolverOptions> = {},
  ): { scheme: string; registered: MeshScheme } => {
    schemes += 1;
    const scheme = `test${schemes}`;
    return {
      scheme,
      registered: registerMeshResolver(scheme, resolver, { timers: ambient.timers, log, ...options }),
    };
  };
  const connect = (scheme: string, options: Record<string, string | number> = {}) => {
    const client = new Client(`${scheme}:///catalog`, credentials.createInsecure(), options);
    clients.push(client);
    return client;
  };
  const connections = () => servers.map((server) => server.connections());

  it('spread calls over all instances, under the authority of the contract', async () => {
    resolver.set('catalog', await start(3));
    const client = connect(register().scheme);
    const loading = load(client);
    await eventually(() =>
      expect([...loading.ports.values()].every((count) => count > 20) && loading.ports.size === 3).to.equal(
        true,
      ),
    );
    await loading.stop();
    expect(loading.failures).to.deep.equal([]);
    expect([...new Set(servers.flatMap(({ seen }) => [...seen.authorities]))]).to.deep.equal(['catalog']);
  });

  it('take another authority when one is given', async () => {
    resolver.set('catalog', await start(1));
    const { scheme } = register({ authority: (service) => `${service}.shop.svc.cluster.local` });
    await say(connect(scheme));
    expect([...(servers[0]?.seen.authorities ?? [])]).to.deep.equal(['catalog.shop.svc.cluster.local']);
  });

  it('fail no call while instances come and go', async () => {
    const endpoints = await start(4);
    resolver.set('catalog', endpoints.slice(0, 2));
    const loading = load(connect(register().scheme));
    for (let round = 0; round < 20; round += 1) {
      const from = round % 3;
      resolver.set('catalog', endpoints.slice(from, from + 2));
      await ambient.timers.sleep(50);
    }
    await loading.stop();
    expect(loading.failures).to.deep.equal([]);
    expect(loading.ports.size).to.equal(4);
  });

  it('let calls in flight end on an instance that was taken out, and send it no more', async () => {
    const [first, second] = await start(2);
    resolver.set('catalog', [first as never]);
    const client = connect(register().scheme);
    await say(client);
    const release = servers[0]?.hold();
    const held = say(client);
    await eventually(() => expect(servers[0]?.seen.calls).to.equal(2));
    resolver.set('catalog', [second as never]);
    await eventually(async () => expect(await say(client)).to.equal(String(second?.port)));
    for (let count = 0; count < 20; count += 1) await say(client);
    release?.();
    expect(await held).to.equal(String(first?.port));
    expect(servers[0]?.seen.calls).to.equal(2);
  });

  it('keep the last instances when the list becomes empty, until that is believed', async () => {
    const endpoints = await start(2);
    resolver.set('catalog', endpoints);
    const client = connect(register().scheme);
    const loading = load(client);
    await eventually(() => expect(loading.ports.size).to.equal(2));
    resolver.set('catalog', []);
    await ambient.timers.sleep(200);
    resolver.set('catalog', endpoints);
    await ambient.timers.sleep(400);
    await loading.stop();
    expect(loading.failures).to.deep.equal([]);

    resolver.set('catalog', []);
    const refused = await eventually(
      () =>
        say(client, 1_000).then(
          () => false,
          (error: ServiceError) => error,
        ),
      { withinMs: 2_000 },
    );
    expect((refused as ServiceError).code).to.equal(status.UNAVAILABLE);
    expect((refused as ServiceError).details).to.match(/no instance of catalog is in the registry and well/);
    resolver.set('catalog', endpoints);
    await eventually(() => say(client, 1_000));
  });

  it('open no new connections for lists that say the same, nor for new configs, and take these for the next call', async () => {
    const endpoints = await start(3);
    resolver.set('catalog', endpoints);
    let config: ServiceConfig = { loadBalancingConfig: [{ round_robin: {} }], methodConfig: [] };
    const { scheme, registered } = register({ serviceConfig: () => config });
    const client = connect(scheme);
    const loading = load(client);
    await eventually(() => expect(connections()).to.deep.equal([1, 1, 1]));
    for (let round = 0; round < 10; round += 1) {
      resolver.set(
        'catalog',
        endpoints.map((endpoint) => ({ ...endpoint, version: `${round}` })),
      );
      registered.configChanged();
      await ambient.timers.sleep(20);
    }
    await loading.stop();
    expect(loading.failures).to.deep.equal([]);
    expect(connections()).to.deep.equal([1, 1, 1]);

    for (const server of servers) server.failNext(1);
    expect(await say(client).catch(({ code }: ServiceError) => code)).to.equal(status.UNAVAILABLE);
    config = {
      ...config,
      methodConfig: [
        {
          name: [{ service: 'test.Echo' }],
          retryPolicy: {
            maxAttempts: 4,
            initialBackoff: '0.01s',
            maxBackoff: '0.02s',
            backoffMultiplier: 2,
            retryableStatusCodes: ['UNAVAILABLE'],
          },
        },
      ],
    };
    registered.configChanged();
    await ambient.timers.sleep(5);
    for (const server of servers) server.failNext(1);
    await say(client);
    expect(servers.flatMap(({ seen }) => seen.attempts)).to.include('3');
    expect(connections()).to.deep.equal([1, 1, 1]);
  });

  it('keep the config of before when the new one is wrong, and say so', async () => {
    resolver.set('catalog', await start(2));
    let config: ServiceConfig = { loadBalancingConfig: [{ round_robin: {} }], methodConfig: [] };
    const { scheme, registered } = register({ serviceConfig: () => config });
    const client = connect(scheme);
    const spread = async () => new Set(await Promise.all([1, 2, 3, 4].map(() => say(client)))).size;
    await eventually(async () => expect(await spread()).to.equal(2));
    config = { loadBalancingConfig: [{ no_such_policy: {} }], methodConfig: [] };
    registered.configChanged();
    await ambient.timers.sleep(5);
    expect(await spread()).to.equal(2);
    expect(log.lines.filter(({ level }) => level === 'error')).to.have.length(1);
  });

  it('let go without calls, and come back', async () => {
    resolver.set('catalog', await start(1));
    const client = connect(register().scheme, { 'grpc.client_idle_timeout_ms': 1_000 });
    await say(client);
    await eventually(() => expect(client.getChannel().getConnectivityState(false)).to.equal(0), {
      withinMs: 10_000,
    });
    resolver.set('catalog', [endpointAt(1), ...servers.map(({ port }) => endpointAt(port))]);
    expect(await say(client)).to.equal(String(servers[0]?.port));
  });

  it('fail calls with a clear message while nothing is known of a service, and no later', async () => {
    const silent = { watch: () => () => undefined, close: () => undefined };
    schemes += 1;
    const scheme = `test${schemes}`;
    registerMeshResolver(scheme, silent, { timers: ambient.timers, log, firstListWithinMs: 100 });
    const startedMs = performance.now();
    const error = await say(connect(scheme)).catch((refused: ServiceError) => refused);
    expect(error).to.include({ code: status.UNAVAILABLE });
    expect((error as ServiceError).details).to.match(/discovery knows nothing of catalog yet/);
    expect(performance.now() - startedMs).to.be.within(90, 1_000);
  });

  it('call as soon as the first list is there', async () => {
    const { scheme } = register({ firstListWithinMs: 50 });
    const client = connect(scheme);
    expect(await say(client).catch(({ code }: ServiceError) => code)).to.equal(status.UNAVAILABLE);
    resolver.set('catalog', await start(1));
    await eventually(() => say(client, 500), { withinMs: 2_000 });
  });

  it('are not opened to what is not the name of a service', () => {
    const { scheme } = register();
    for (const wrong of [
      `${scheme}:///Catalog`,
      `${scheme}:///a/b`,
      `${scheme}://host/catalog`,
      `${scheme}:///catalog?tag=v2`,
    ])
      expect(() => new Client(wrong, credentials.createInsecure()), wrong).to.throw(TypeError);
  });

  it('dial a place once, also when it is registered twice', async () => {
    const endpoints = await start(1);
    resolver.set('catalog', [
      ...endpoints,
      ...endpoints.map((endpoint) => ({ ...endpoint, instanceId: 'other' })),
    ]);
    const client = connect(register().scheme);
    await say(client);
    expect(connections()).to.deep.equal([1]);
  });
});
