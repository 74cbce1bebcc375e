import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { eventually } from '../testing/eventually.js';
import { freePort } from '../testing/free-port.js';
import { madeSpan, spanIdOf, traceIdOf } from '../testing/made-span.js';
import { otlpResources } from '../testing/otlp-body.js';
import { openTraceExport, type TraceExport, type TraceExportOptions } from './trace-export.js';

interface Received {
  readonly url: string | undefined;
  readonly contentType: string | undefined;
  readonly body: Buffer;
}

describe('trace export', () => {
  let server: Server;
  let endpoint: string;
  let status = 200;
  const received: Received[] = [];
  const failures: string[] = [];
  const opened: TraceExport[] = [];

  const open = async (options: Partial<TraceExportOptions>) => {
    const exporter = await openTraceExport({
      exporter: 'otlp',
      endpoint,
      version: '0.1.0',
      delayMs: 20,
      timeoutMs: 1_000,
      onFailure: (problem) => failures.push(problem),
      ...options,
    });
    opened.push(exporter);
    return exporter;
  };

  // The first to come loads the SDK: some seconds on a slow machine whose file cache is cold.
  before(async function () {
    this.timeout(60_000);
    server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        received.push({
          url: request.url,
          contentType: request.headers['content-type'],
          body: Buffer.concat(chunks),
        });
        response.writeHead(status).end();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/traces`;
    await import('./span-export.js');
  });
  after(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  afterEach(async () => {
    status = 200;
    await Promise.all(opened.splice(0).map((exporter) => exporter.close()));
    received.length = 0;
    failures.length = 0;
  });

  it('tells of a span that could not even be handed over', async () => {
    const { sink } = await open({});
    sink({ ...madeSpan({ id: 1 }), startMs: undefined as never, context: undefined as never });
    expect(failures).to.have.length(1);
    expect(failures[0]).to.match(/^a span was lost: /);
  });

  it('sends spans by OTLP with their own ids, kinds, times, links, events and errors, a resource a service', async () => {
    const { sink } = await open({});
    sink(
      madeSpan({
        id: 2,
        parent: 1,
        service: 'order',
        name: 'PlaceOrder',
        kind: 'server',
        startMs: 1_795_442_582_118.25,
        durationMs: 12.5,
        attributes: { 'rpc.system.name': 'grpc', attempt: 2, retried: true, share: 0.5 },
        events: [{ name: 'retry', atMs: 1_795_442_582_120, attributes: { after: 'ABORTED' } }],
        error: 'INTERNAL',
      }),
    );
    sink(madeSpan({ id: 3, trace: 2, service: 'cart', kind: 'consumer', linked: [[1, 2]] }));
    const resources = await eventually(() => {
      const found = received.flatMap((request) => otlpResources(request.body));
      return found.length === 2 && found;
    });
    expect(received[0]).to.include({ url: '/v1/traces', contentType: 'application/x-protobuf' });
    const of = (service: string) => resources.find((one) => one.attributes['service.name'] === service);
    expect(of('order')?.attributes).to.deep.equal({
      'service.name': 'order',
      'service.namespace': 'meshmart',
      'service.version': '0.1.0',
    });
    expect(of('order')?.spans).to.deep.equal([
      {
        traceId: traceIdOf(1),
        spanId: spanIdOf(2),
        parentSpanId: spanIdOf(1),
        name: 'PlaceOrder',
        kind: 2,
        start: 1_795_442_582_118_250_000n,
        end: 1_795_442_582_130_750_000n,
        attributes: { 'rpc.system.name': 'grpc', attempt: 2n, retried: true, share: 0.5 },
        events: [{ name: 'retry', at: 1_795_442_582_120_000_000n, attributes: { after: 'ABORTED' } }],
        links: [],
        status: { code: 2, message: 'INTERNAL' },
      },
    ]);
    expect(of('cart')?.spans[0]).to.deep.include({
      kind: 5,
      parentSpanId: '',
      links: [{ traceId: traceIdOf(1), spanId: spanIdOf(2) }],
      status: { code: 0, message: '' },
    });
  });

  it('sends what waits when it is flushed and when it is closed, and takes nothing afterwards', async () => {
    const exporter = await open({ delayMs: 60_000 });
    exporter.sink(madeSpan({ id: 1 }));
    await exporter.flush();
    expect(spansReceived()).to.equal(1);
    exporter.sink(madeSpan({ id: 2 }));
    await exporter.close();
    expect(spansReceived()).to.equal(2);
    exporter.sink(madeSpan({ id: 3 }));
    await exporter.close();
    expect(spansReceived()).to.equal(2);
  });

  it('leaves out traces that are not sampled, and drops what does not fit into its queue', async () => {
    const exporter = await open({ delayMs: 60_000, queueSize: 10 });
    const unsampled = madeSpan({ id: 1 });
    exporter.sink({ ...unsampled, context: { ...unsampled.context, sampled: false } });
    // A full batch is sent at once, in the background; the queue then holds ten more.
    for (let id = 1; id <= 100; id += 1) exporter.sink(madeSpan({ id }));
    await exporter.close();
    expect(spansReceived()).to.be.within(10, 20);
  });

  it('tells when the other end refuses or is not there, and goes on', async () => {
    const exporter = await open({});
    status = 400;
    exporter.sink(madeSpan({ id: 1 }));
    await eventually(() => expect(failures).to.have.length(1));
    expect(failures[0]).to.match(/^1 spans were lost: /);
    status = 200;
    exporter.sink(madeSpan({ id: 2 }));
    await eventually(() => expect(received).to.have.length(2));

    const nowhere = await open({
      endpoint: `http://127.0.0.1:${await freePort()}/v1/traces`,
      timeoutMs: 200,
    });
    nowhere.sink(madeSpan({ id: 3 }));
    await nowhere.close();
    expect(failures.length).to.be.at.least(2);
  });

  it('sends spans to Jaeger by Thrift over HTTP, a process a service', async () => {
    const exporter = await open({
      exporter: 'jaeger',
      endpoint: endpoint.replace('/v1/traces', '/api/traces'),
    });
    exporter.sink(
      madeSpan({ id: 0xabcdef, trace: 0x123456, service: 'order', name: 'PlaceOrder', startMs: 1 }),
    );
    exporter.sink(madeSpan({ id: 2, service: 'cart', name: 'GetCart', startMs: 1 }));
    await exporter.flush();
    expect(received).to.have.length(2);
    for (const request of received) {
      expect(request).to.include({ url: '/api/traces', contentType: 'application/x-thrift' });
    }
    const bodyWith = (text: string) => received.find(({ body }) => body.includes(text))?.body;
    expect(bodyWith('PlaceOrder')?.includes('order')).to.equal(true);
    expect(bodyWith('PlaceOrder')?.includes(Buffer.from(spanIdOf(0xabcdef), 'hex'))).to.equal(true);
    expect(bodyWith('PlaceOrder')?.includes(Buffer.from(traceIdOf(0x123456).slice(16), 'hex'))).to.equal(
      true,
    );
    expect(bodyWith('GetCart')?.includes('cart')).to.equal(true);
    expect(bodyWith('GetCart')).to.not.equal(bodyWith('PlaceOrder'));
  });

  function spansReceived(): number {
    return received
      .flatMap(({ body }) => otlpResources(body))
      .reduce((sum, { spans }) => sum + spans.length, 0);
  }
});
