import { execFileSync } from 'node:child_process';
import { expect } from 'chai';
import { eventually } from '../mesh/testing/eventually.js';
import { expectStatus, fillCart, newBuyer, request } from './buyer.js';
import { type MeshProcess, proportionalMiB, startMesh } from './mesh-process.js';
import { tourSettings, tourSuite } from './tour-suite.js';

/** One mesh for all of this file: started by whichever suite comes first, ended by the last. */
let started: Promise<MeshProcess> | undefined;
const mesh = () => {
  started ??= startMesh({ environment: tourSettings });
  return started;
};

describe('a mesh of processes that has just started', function () {
  this.timeout(60_000);

  // How long it takes is for the benchmark to say: tests run on machines that do other things as well.
  it('says after how long it was ready', async () => {
    const shop = await mesh();
    const seconds = await eventually(
      () => Number(/ready \(([\d.]+) s\)/.exec(shop.output())?.[1] ?? 0) || false,
    );
    expect(seconds).to.be.within(0.5, 60);
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

interface JaegerSpan {
  readonly spanID: string;
  readonly operationName: string;
  readonly processID: string;
  readonly references: readonly {
    readonly refType: string;
    readonly spanID: string;
    readonly traceID: string;
  }[];
  readonly tags: readonly { readonly key: string; readonly value: unknown }[];
}

describe("a purchase's trace in Jaeger", function () {
  this.timeout(60_000);

  it('has every service on its path, its database and event hops, each below the right parent', async () => {
    const shop = await mesh();
    const buyer = await newBuyer(shop.httpUrl);
    const { body } = await request(shop.httpUrl, 'GET', '/v1/products?pageSize=1');
    const order = await fillCart(buyer, body.products[0].id);
    const placed = await expectStatus(
      buyer.call('POST', '/v1/orders', order, { 'idempotency-key': 'traced' }),
      201,
    );
    const traceId = placed.headers.get('x-trace-id') ?? '';
    expect(traceId).to.match(/^[0-9a-f]{32}$/);
    const jaeger = (await shop.status()).addresses['jaeger'];
    const wanted = [
      'gateway',
      'order',
      'cart',
      'catalog',
      'shipping',
      'inventory',
      'payment',
      'notification',
      'recommendation',
    ];
    const { spans, processes } = await eventually(
      async () => {
        const answer = await fetch(`${jaeger}/api/traces/${traceId}`);
        const { data } = (await answer.json()) as {
          data: { spans: JaegerSpan[]; processes: Record<string, { serviceName: string }> }[];
        };
        expect(data).to.have.length(1);
        const [trace] = data as [(typeof data)[0]];
        const seen = new Set(Object.values(trace.processes).map(({ serviceName }) => serviceName));
        expect([...seen]).to.include.members(wanted);
        const names = trace.spans.map(({ operationName }) => operationName);
        expect(names).to.include('meshmart.payment.v1.PaymentService/Capture');
        expect(names).to.include('meshmart.shipping.v1.ShippingService/CreateShipment');
        return trace;
      },
      { withinMs: 20_000, everyMs: 250 },
    );
    const byId = new Map(spans.map((span) => [span.spanID, span]));
    // Where a span is linked to its own parent, as consumers are to producers, Jaeger shows the link alone.
    const parentOf = (span: JaegerSpan) => byId.get(span.references[0]?.spanID ?? '');
    const tag = (span: JaegerSpan, key: string) => span.tags.find((one) => one.key === key)?.value;
    const serviceOf = (span: JaegerSpan) => processes[span.processID]?.serviceName;

    const roots = spans.filter((span) => parentOf(span) === undefined);
    expect(roots.map(({ operationName }) => operationName)).to.deep.equal(['POST /v1/orders']);
    const servers = spans.filter(
      (span) => tag(span, 'span.kind') === 'server' && span.operationName.includes('/'),
    );
    for (const span of servers.filter((one) => one.operationName.startsWith('meshmart.'))) {
      const parent = parentOf(span);
      expect(parent?.operationName, span.operationName).to.equal(span.operationName);
      expect(parent === undefined ? '' : tag(parent, 'span.kind')).to.equal('client');
      expect(parent === undefined ? '' : serviceOf(parent)).to.equal(tag(span, 'meshmart.caller'));
    }
    const systems = new Set(spans.map((span) => tag(span, 'db.system.name')).filter(Boolean));
    expect([...systems]).to.include.members(['sqlite', 'redis']);
    const consumed = spans.filter((span) => tag(span, 'span.kind') === 'consumer');
    expect(new Set(consumed.map(serviceOf))).to.include.keys('cart', 'notification', 'recommendation');
  });

  it('is told by meshmart trace, put together from all processes', async () => {
    const shop = await mesh();
    const buyer = await newBuyer(shop.httpUrl);
    const { body } = await request(shop.httpUrl, 'GET', '/v1/products?pageSize=1');
    const order = await fillCart(buyer, body.products[0].id);
    const placed = await expectStatus(
      buyer.call('POST', '/v1/orders', order, { 'idempotency-key': 'told' }),
      201,
    );
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
    const product = '/v1/products/prd_does-not-exist';
    await eventually(
      async () => {
        for (let n = 0; n < 20; n += 1) {
          await request(shop.httpUrl, 'GET', '/v1/products?pageSize=5');
          await request(shop.httpUrl, 'GET', product);
        }
        const method = 'rpc_method="meshmart.catalog.v1.CatalogService/ListProducts"';
        const failing = 'rpc_method="meshmart.catalog.v1.CatalogService/GetProduct"';
        const [rate] = await query(`meshmart:rpc_server:rate1m{${method}}`);
        const [errors] = await query(`meshmart:rpc_server:errors1m{${failing}}`);
        const [p99] = await query(`meshmart:rpc_server:p99_seconds1m{${method}}`);
        expect(Number(rate?.value[1])).to.be.greaterThan(0);
        expect(Number(errors?.value[1])).to.be.within(0, 1);
        expect(Number(p99?.value[1])).to.be.within(0.0001, 10);
      },
      { withinMs: 30_000, everyMs: 1_000 },
    );
    const breakers = await query('mesh_client_breaker_open{service_name="order"}');
    const stateOf = Object.fromEntries(breakers.map(({ metric, value }) => [metric['callee'], value[1]]));
    expect(stateOf).to.include({ cart: '0', catalog: '0', inventory: '0', payment: '0', shipping: '0' });
  });
});

describe('meshmart down', function () {
  this.timeout(60_000);

  it('leaves no process behind, neither of the shop nor of the servers', async () => {
    const shop = await mesh();
    const { dataFolder } = shop;
    const { pid } = await shop.status();
    await shop.stop();
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
