import { Client, credentials } from '@grpc/grpc-js';
import { expect } from 'chai';
import { machineAmbient } from '../runtime/ambient.js';
import { collectingLog } from '../testing/collecting-log.js';
import { eventually } from '../testing/eventually.js';
import { type ConsulProcess, consulProcess } from './consul-process.test.js';
import { createConsulRegistry } from './consul-registry.js';
import { createConsulResolver } from './consul-resolver.js';
import { type Echo, echoServer, load } from './echo-server.test.js';
import { registerMeshResolver } from './grpc-resolver.js';
import type { Registered } from './registry.js';
import type { Resolver } from './resolver.js';

describe('calls by consul:///catalog', function () {
  this.timeout(90_000);
  const ambient = machineAmbient();
  const log = collectingLog();
  let consul: ConsulProcess;
  let servers: Echo[];
  let registered: Registered[];
  let resolver: Resolver;
  let client: Client;

  beforeEach(async () => {
    consul = await consulProcess();
    await consul.start();
    const options = { ambient, log, address: consul.address };
    const registry = createConsulRegistry(options);
    servers = await Promise.all([echoServer(), echoServer(), echoServer()]);
    registered = await Promise.all(
      servers.map(({ port }, index) =>
        registry.register(
          { service: 'catalog', instanceId: `catalog-${index + 1}.1`, address: '127.0.0.1', port, meta: {} },
          () => ({ serving: true }),
        ),
      ),
    );
    resolver = createConsulResolver(options);
    registerMeshResolver('consul', resolver, { timers: ambient.timers, log });
    client = new Client('consul:///catalog', credentials.createInsecure());
  });
  afterEach(async () => {
    client.close();
    resolver.close();
    await Promise.all(registered.map((one) => one.deregister()));
    for (const server of servers) server.end();
    await consul.close();
  });

  const outages: readonly (readonly [what: string, outage: () => Promise<void>])[] = [
    [
      'hangs for 4 s',
      async () => {
        consul.signal('SIGSTOP');
        await ambient.timers.sleep(4_000);
        consul.signal('SIGCONT');
      },
    ],
    [
      'hangs for 14 s',
      async () => {
        consul.signal('SIGSTOP');
        await ambient.timers.sleep(14_000);
        consul.signal('SIGCONT');
      },
    ],
    [
      'is killed and started again with what it knew',
      async () => {
        await consul.kill();
        await ambient.timers.sleep(3_000);
        await consul.start();
      },
    ],
    [
      'is killed and started again with nothing',
      async () => {
        await consul.kill();
        consul.forgetAll();
        await consul.start();
      },
    ],
  ];
  for (const [what, outage] of outages) {
    it(`do not fail, not one of them, when Consul ${what}`, async () => {
      const loading = load(client);
      await eventually(() => expect(loading.ports.size).to.equal(3));
      await outage();
      await ambient.timers.sleep(3_000);
      loading.ports.clear();
      await eventually(() => expect(loading.ports.size).to.equal(3));
      await loading.stop();
      expect(loading.failures).to.deep.equal([]);
      // While it starts, Consul takes connections and answers nobody: who asked then asks again a second or two later.
      await eventually(() => registered.every((one) => one.current()), {
        what: 'all to be registered again',
      });
    });
  }

  it('do not fail while instances are deregistered and end, one after the other', async () => {
    const loading = load(client);
    await eventually(() => expect(loading.ports.size).to.equal(3));
    for (const index of [0, 1]) {
      await registered[index]?.deregister();
      await ambient.timers.sleep(500);
      await servers[index]?.drain();
    }
    loading.ports.clear();
    await eventually(() => expect(loading.ports.size).to.equal(1));
    await loading.stop();
    expect(loading.failures).to.deep.equal([]);
  });
});
