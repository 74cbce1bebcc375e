import { expect } from 'chai';
import { virtualClock } from '../testing/virtual-clock.js';
import { boundedLabel } from './bounded-label.js';
import { createMetrics } from './metrics.js';

const create = () =>
  createMetrics({ version: '0.1.0', shape: 'one-process', clock: virtualClock().clock, process: false });

describe('metrics', () => {
  it('count and time calls on both sides by method, code and service', async () => {
    const metrics = create();
    const cart = metrics.rpc('cart');
    cart.observe('server', '/meshmart.cart.v1.CartService/AddItem', 'OK', 0.003);
    cart.observe('server', '/meshmart.cart.v1.CartService/AddItem', 'OK', 0.2);
    cart.observe('client', '/meshmart.catalog.v1.CatalogService/GetProduct', 'NOT_FOUND', 0.0007);
    const { text } = await metrics.text();
    const server =
      'rpc_system_name="grpc",rpc_method="meshmart.cart.v1.CartService/AddItem",service_name="cart"';
    expect(text).to.include(
      `rpc_server_call_duration_seconds_count{${server},rpc_response_status_code="OK"} 2`,
    );
    expect(text).to.include(
      `rpc_server_call_duration_seconds_bucket{le="0.005",${server},rpc_response_status_code="OK"} 1`,
    );
    expect(text).to.match(/rpc_client_call_duration_seconds_sum\{.*GetProduct.*"NOT_FOUND"\} 0\.0007\n/);
  });

  it('tell how many calls are in flight', async () => {
    const metrics = create();
    const order = metrics.rpc('order');
    for (const delta of [1, 1, -1] as const)
      order.inFlight('server', { path: '/a.B/C', kind: 'unary' }, delta);
    expect((await metrics.text()).text).to.include(
      'rpc_server_active_calls{rpc_system_name="grpc",rpc_method="a.B/C",service_name="order"} 1',
    );
  });

  it('tell how many requests a service answers, by gRPC and HTTP: no streams, and not what it asks itself', async () => {
    const metrics = create();
    const order = metrics.rpc('order');
    order.inFlight('server', { path: '/a.B/C', kind: 'unary' }, 1);
    order.inFlight('server', { path: '/a.B/Watch', kind: 'server_streaming' }, 1);
    order.inFlight('client', { path: '/a.B/C', kind: 'unary' }, 1);
    metrics.httpInFlight('order', 1);
    expect((await metrics.text()).text).to.include('mesh_requests_in_flight{service_name="order"} 2\n');
  });

  it('time HTTP requests by method, route and status', async () => {
    const metrics = create();
    metrics.observeHttp('GET', '/v1/products/{id}', 200, 0.01);
    metrics.observeHttp('BREW', '/v1/products/{id}', 42, 0.01);
    const { text } = await metrics.text();
    const count = 'http_server_request_duration_seconds_count';
    const route = 'http_route="/v1/products/{id}"';
    expect(text).to.include(`${count}{http_request_method="GET",${route},http_response_status_code="200"} 1`);
    expect(text).to.include(
      `${count}{http_request_method="_OTHER",${route},http_response_status_code="_OTHER"} 1`,
    );
  });

  it('time messages and database operations, failed ones by their error', async () => {
    const metrics = create();
    metrics.observeMessage({ service: 'cart', topic: 'order', seconds: 0.01 });
    metrics.observeMessage({ service: 'cart', topic: 'order', seconds: 0.01, error: 'UNAVAILABLE' });
    metrics.observeDatabase({ service: 'cart', system: 'sqlite', operation: 'commit', seconds: 0.0003 });
    const { text } = await metrics.text();
    const message =
      'messaging_operation_name="process",messaging_system="meshmart",messaging_destination_name="order",messaging_consumer_group_name="cart"';
    expect(text).to.include(`messaging_process_duration_seconds_count{${message}} 1`);
    expect(text).to.include(
      `messaging_process_duration_seconds_count{${message},error_type="UNAVAILABLE"} 1`,
    );
    expect(text).to.include(
      'db_client_operation_duration_seconds_count{db_system_name="sqlite",db_operation_name="commit",db_namespace="cart"} 1',
    );
  });

  it('tell what protects an edge: breaker, rejections, fallbacks, retries, ejections, from 0 on', async () => {
    const metrics = create();
    const edge = metrics.edge('gateway', 'catalog');
    const own = 'service_name="gateway",callee="catalog"';
    const read = `${own},rpc_method="a.B/Read"`;
    const fresh = (await metrics.text()).text;
    for (const name of ['breaker_open', 'breaker_rejections_total', 'ejections_total'])
      expect(fresh).to.include(`mesh_client_${name}{${own}} 0`);

    edge.breaker(true);
    edge.rejected();
    edge.rejected();
    edge.fallback('/a.B/Read');
    edge.retried('/a.B/Read', 2);
    edge.retryRefused('/a.B/Read');
    edge.ejected();
    const { text } = await metrics.text();
    for (const line of [
      `mesh_client_breaker_open{${own}} 1`,
      `mesh_client_breaker_rejections_total{${own}} 2`,
      `mesh_client_ejections_total{${own}} 1`,
      `mesh_client_fallbacks_total{${read}} 1`,
      `mesh_client_retries_total{${read}} 2`,
      `mesh_client_retries_refused_total{${read}} 1`,
    ])
      expect(text).to.include(line);
    edge.breaker(false);
    expect((await metrics.text()).text).to.include(`mesh_client_breaker_open{${own}} 0`);
  });

  it('tell the dead letters of each group as they are now, and leave out what nobody knows', async () => {
    const metrics = create();
    let counts: () => Promise<Record<string, number>> = async () => ({ cart: 2, mail: 0 });
    metrics.deadLetters(() => counts());
    const line = (group: string, count: number) =>
      `mesh_dead_letters{messaging_consumer_group_name="${group}"} ${count}`;
    expect((await metrics.text()).text)
      .to.include(line('cart', 2))
      .and.include(line('mail', 0));
    counts = async () => ({ mail: 1 });
    expect((await metrics.text()).text)
      .to.include(line('mail', 1))
      .and.not.include('messaging_consumer_group_name="cart"');
    counts = () => Promise.reject(new Error('the bus is away'));
    const { text } = await metrics.text();
    expect(text)
      .to.include('meshmart_build_info')
      .and.not.match(/^mesh_dead_letters\{/m);
  });

  it('tell what runs, in the text format of Prometheus', async () => {
    const { contentType, text } = await create().text();
    expect(contentType).to.equal('text/plain; version=0.0.4; charset=utf-8');
    expect(text).to.include(
      `meshmart_build_info{version="0.1.0",shape="one-process",node_version="${process.version}"} 1`,
    );
  });

  it('include those of the process', async () => {
    const { text } = await createMetrics({
      version: '0.1.0',
      shape: 'one-process',
      clock: virtualClock().clock,
    }).text();
    for (const name of [
      'process_resident_memory_bytes',
      'process_cpu_seconds_total',
      'nodejs_eventloop_lag_p99_seconds',
    ]) {
      expect(text, name).to.match(new RegExp(`^${name} `, 'm'));
    }
  });

  it('make no more series than there are methods, whatever a caller asks for', async () => {
    const metrics = create();
    const outside = metrics.rpc('gateway');
    for (let n = 0; n < 5_000; n += 1) {
      outside.observe('server', `/made.up/Method${n}`, `CODE_${n}`, 0.001);
      metrics.observeHttp('GET', `/made/up/${n}`, 404, 0.001);
    }
    const { text } = await metrics.text();
    expect(text.match(/^rpc_server_call_duration_seconds_count/gm)?.length).to.be.at.most(201);
    expect(text.match(/^http_server_request_duration_seconds_count/gm)?.length).to.equal(201);
    expect(text).to.include('http_route="_OTHER",http_response_status_code="404"} 4800');
  });

  it('are apart for two processes in one test', async () => {
    const [one, other] = [create(), create()];
    one.rpc('cart').observe('server', '/a.B/C', 'OK', 1);
    expect((await other.text()).text).to.not.include('rpc_method');
  });
});

describe('bounded label', () => {
  it('lets the first values through for ever and calls the rest other', () => {
    const label = boundedLabel(2);
    expect(['a', 'b', 'c', 'a', 'd', 'b'].map(label)).to.deep.equal(['a', 'b', '_OTHER', 'a', '_OTHER', 'b']);
  });
});
