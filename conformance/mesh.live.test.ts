import { execFileSync } from 'node:child_process';
import { expect } from 'chai';
import { eventually } from '../mesh/testing/eventually.js';
import { badInputSuite } from './bad-input-suite.js';
import { expectStatus, expectTaken, fillCart, newBuyer, request } from './buyer.js';
import { type MeshProcess, proportionalMiB, startMesh } from './mesh-process.js';
import { runMeshmart } from './shop-process.js';
import { tourSettings, tourSuite } from './tour-suite.js';

/** One mesh for all of this file: started by whichever suite comes first, ended by the last. */
let started: Promise<MeshProcess> | undefined;
const mesh = () => {
  started ??= startMesh({ environment: tourSettings });
  return started;
};

describe('a mesh of processes that has just started', function () {
  this.timeout(60_000);

  it('says after how many seconds it was ready', async () => {
    const one = await mesh();
    // How few they are is for `make bench`: here other work on the machine has its say.
    await eventually(() => expect(one.output()).to.match(/ready \(\d+\.\d+ s\)/));
  });

  it('tells of each service: instance, health, version, address', async () => {
    const { services, ready, addresses } = await (await mesh()).untilAllServe();
    expect(ready).to.equal(true);
    expect(services.map(({ name }) => name).sort()).to.deep.equal([
      'cart',
      'catalog',
      'gateway',
      'inventory',
      'notification',
      'order',
      'payment',
      'recommendation',
      'shipping',
      'users',
    ]);
    for (const { version, address, instance } of services) {
      expect(version, instance).to.match(/^\d+\.\d+\.\d+/);
      expect(address, instance).to.match(/127\.0\.0\.1:\d+/);
    }
    expect(addresses).to.include.keys('consul', 'redis', 'jaeger', 'prometheus');
  });

  it('has each in Consul with tags, version, language, authority and the digest of its contract', async () => {
    const { services, addresses } = await (await mesh()).status();
    const digests = new Set<string>();
    for (const { name, instance, version, address } of services) {
      const answer = await fetch(`${addresses['consul']}/v1/health/service/${name}`);
      const entries = (await answer.json()) as {
        Service: {
          ID: string;
          Address: string;
          Port: number;
          Tags: string[];
          Meta: Record<string, string>;
        };
      }[];
      const entry = entries.find(({ Service }) => Service.ID === instance)?.Service;
      expect(entry?.Tags, instance).to.include('meshmart');
      expect(entry?.Meta, instance).to.include({ version, language: 'typescript', authority: name });
      digests.add(entry?.Meta['contract_digest'] ?? '');
      if (name !== 'gateway') expect(`${entry?.Address}:${entry?.Port}`).to.equal(address);
    }
    expect([...digests].join()).to.match(/^[0-9a-f]{16}$/);
  });

  it('is shown by meshmart status: each instance, its health, version and address', async () => {
    const shop = await mesh();
    const run = runMeshmart(['status'], { MESHMART_DATA: shop.dataFolder });
    expect(await run.exited, run.output()).to.equal(0);
    for (const { instance, version, address } of (await shop.status()).services)
      expect(run.output()).to.match(new RegExp(`${instance} +serving +\\w+ +${version} +\\S*${address}`));
  });

  it('takes at most 1,000 MiB together, at rest', async () => {
    const { services, pid } = await (await mesh()).status();
    const sum = [pid, ...services.map((one) => one.pid)].map(proportionalMiB).reduce((a, b) => a + b);
    expect(Math.round(sum)).to.be.at.most(1_000);
  });
});

tourSuite('processes', async () => {
  const { httpUrl, grpcAddress, adminUrl, dataFolder } = await mesh();
  return { httpUrl, grpcAddress, adminUrl, dataFolder, stop: async () => undefined };
});

describe('a purchase, traced', function () {
  this.timeout(60_000);

  it('is told by meshmart trace, put together from all processes', async () => {
    const shop = await mesh();
    const buyer = await newBuyer(shop.httpUrl);
    const { body } = await request(shop.httpUrl, 'GET', '/v1/products?pageSize=1');
    const order = await fillCart(buyer, body.products[0].id);
    const placed = await expectTaken(buyer.call('POST', '/v1/orders', order, { 'idempotency-key': 'told' }));
    // A process that does not tell within a second is left out.
    await eventually(async () => {
      const answer = await fetch(`${shop.adminUrl}/traces?order=${placed.body.order.id}`);
      const { spans } = (await answer.json()) as { spans: { service: string }[] };
      expect(new Set(spans.map(({ service }) => service))).to.include.keys(
        'gateway',
        'order',
        'payment',
        'inventory',
      );
    });
  });
});

describe('Prometheus', function () {
  this.timeout(60_000);

  it('scrapes every process, and knows rate, errors and p99 of each method after load', async () => {
    const shop = await mesh();
    const prometheus = (await shop.status()).addresses['prometheus'];
    const query = async (expression: string) => {
      const answer = await fetch(`${prometheus}/api/v1/query?query=${encodeURIComponent(expression)}`);
      const { data } = (await answer.json()) as {
        data: { result: { metric: Record<string, string>; value: [number, string] }[] };
      };
      return data.result;
    };
    await eventually(
      async () => {
        const up = await query('up == 1');
        expect(new Set(up.map(({ metric }) => metric['service']))).to.include.keys(
          ...(await shop.status()).services.map(({ name }) => name),
        );
      },
      { withinMs: 20_000, everyMs: 500 },
    );
    const buyer = await newBuyer(shop.httpUrl);
    const { body } = await request(shop.httpUrl, 'GET', '/v1/products?pageSize=1');
    let round = 0;
    const load = async () => {
      round += 1;
      const order = await fillCart(buyer, body.products[0].id);
      const key = { 'idempotency-key': `measured-${round}` };
      const placed = await expectTaken(buyer.call('POST', '/v1/orders', order, key));
      for (const path of ['/v1/orders', `/v1/orders/${placed.body.order.id}`, '/v1/me', '/v1/notifications'])
        await expectStatus(buyer.call('GET', path), 200);
      for (const path of ['', ':search?q=lamp', `/${body.products[0].id}`])
        await expectStatus(request(shop.httpUrl, 'GET', `/v1/products${path}`), 200);
      await expectStatus(request(shop.httpUrl, 'GET', '/v1/products/prd_none'), 404);
    };
    const calls = async () => {
      const { edges } = (await (await fetch(`${shop.adminUrl}/edges`)).json()) as {
        edges: { method: string; calls: number }[];
      };
      const sums = new Map<string, number>();
      for (const edge of edges) sums.set(edge.method, (sums.get(edge.method) ?? 0) + edge.calls);
      return sums;
    };
    await load();
    const before = await calls();
    await load();
    const called = await eventually(async () => {
      const grown = [...(await calls())].filter(([method, count]) => count > (before.get(method) ?? 0));
      const methods = grown.map(([method]) => method);
      for (const method of ['PlaceOrder', 'Reserve', 'Authorize', 'Capture', 'CreateShipment', 'GetProduct'])
        expect(methods.join(' ')).to.match(new RegExp(`/${method}\\b`));
      return methods;
    });
    await eventually(
      async () => {
        await load();
        for (const [rule, least, most] of [
          ['rate1m', Number.MIN_VALUE, 1_000],
          ['errors1m', 0, 1],
          ['p99_seconds1m', 0.0001, 10],
        ] as const) {
          // At its gRPC port the gateway answers for all of them, too.
          const own = await query(`meshmart:rpc_server:${rule}{service_name!="gateway"}`);
          const found = new Map(own.map(({ metric, value }) => [metric['rpc_method'], Number(value[1])]));
          for (const method of called)
            expect(found.get(method), `${rule} of ${method}`).to.be.within(least, most);
        }
      },
      { withinMs: 40_000, everyMs: 500 },
    );
    const breakers = await query('mesh_client_breaker_open{service_name="order"}');
    const stateOf = Object.fromEntries(breakers.map(({ metric, value }) => [metric['callee'], value[1]]));
    expect(stateOf).to.include({ cart: '0', catalog: '0', inventory: '0', payment: '0', shipping: '0' });
  });
});

// The last of the callers: it uses up what logins a client has.
badInputSuite('processes', async () => ({
  httpUrl: (await mesh()).httpUrl,
  stop: async () => undefined,
}));

describe('meshmart down', function () {
  this.timeout(60_000);

  it('leaves no process behind, neither of the shop nor of the servers', async () => {
    const shop = await mesh();
    const { dataFolder } = shop;
    const { pid } = await shop.status();
    const down = runMeshmart(['down'], { MESHMART_DATA: dataFolder });
    expect(await down.exited, down.output()).to.equal(0);
    expect(down.output()).to.equal('stopped\n');
    // Whatever was started for this mesh has its data folder in its arguments or environment.
    const left = execFileSync('ps', ['-e', '-o', 'pid,args', 'ewww'], {
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024,
    })
      .split('\n')
      .filter((line) => line.includes(dataFolder) && !line.includes('ps -e'));
    expect(left).to.deep.equal([]);
    expect(() => process.kill(pid, 0)).to.throw();
    shop.folder.remove();
  });
});
