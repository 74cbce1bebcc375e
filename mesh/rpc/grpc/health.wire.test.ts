import {
  type ClientReadableStream,
  credentials,
  Client as GrpcClient,
  type ServiceError,
} from '@grpc/grpc-js';
import { expect } from 'chai';
import { eventually } from '../../testing/eventually.js';
import { type HealthSource, healthService } from './health.js';
import { type GrpcServer, openGrpcServer } from './server.js';

const same = (bytes: Buffer) => bytes;

/** HealthCheckRequest with the name of a service. */
const nameOf = (service: string) =>
  service === ''
    ? Buffer.alloc(0)
    : Buffer.concat([Buffer.from([0x0a, service.length]), Buffer.from(service)]);

/** HealthCheckResponse: SERVING, NOT_SERVING, SERVICE_UNKNOWN. */
const [serving, notServing, unknown] = [1, 2, 3].map((status) => Buffer.from([0x08, status]));

describe('the health service', () => {
  let server: GrpcServer;
  let client: GrpcClient;
  let listeners: Set<() => void>;
  let statuses: Map<string, boolean>;
  const set = (name: string, value: boolean) => {
    statuses.set(name, value);
    for (const listener of listeners) listener();
  };

  beforeEach(async () => {
    listeners = new Set();
    statuses = new Map([
      ['', true],
      ['test.echo.v1.EchoService', true],
    ]);
    const source: HealthSource = {
      serving: (service) => statuses.get(service),
      names: () => [...statuses.keys()],
      onChange: (listener) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    };
    const nothing = { methods: [], dispatch: () => Promise.reject(new Error('none')), caller: 'outside' };
    server = await openGrpcServer({ host: '127.0.0.1', port: 0, portVariable: 'GRPC_PORT', ...nothing }, [
      healthService(source),
    ]);
    client = new GrpcClient(`127.0.0.1:${server.port}`, credentials.createInsecure());
  });
  afterEach(async () => {
    client.close();
    await server.drain(0);
  });

  const unary = (method: string, request: Buffer) =>
    new Promise<Buffer>((resolve, reject) => {
      const done = (error: ServiceError | null, answer?: Buffer) =>
        error === null ? resolve(answer as Buffer) : reject(error);
      client.makeUnaryRequest(`/grpc.health.v1.Health/${method}`, same, same, request, done);
    });
  const watch = (service: string) => {
    const seen: Buffer[] = [];
    const call: ClientReadableStream<Buffer> = client.makeServerStreamRequest(
      '/grpc.health.v1.Health/Watch',
      same,
      same,
      nameOf(service),
    );
    call.on('data', (bytes: Buffer) => seen.push(bytes));
    call.on('error', () => undefined);
    return { seen, call };
  };

  it('checks a service, and all of them together', async () => {
    expect(await unary('Check', nameOf('test.echo.v1.EchoService'))).to.deep.equal(serving);
    set('', false);
    expect(await unary('Check', nameOf(''))).to.deep.equal(notServing);
  });

  it('says NOT_FOUND for a service that is not here', async () => {
    const error = await unary('Check', nameOf('no.such.Service')).catch((thrown: ServiceError) => thrown);
    expect((error as ServiceError).code).to.equal(5);
  });

  it('lists every name', async () => {
    expect((await unary('List', Buffer.alloc(0))).toString('latin1')).to.include('test.echo.v1.EchoService');
  });

  it('tells a watcher how a service is now and each time that changes', async () => {
    const { seen } = watch('test.echo.v1.EchoService');
    await eventually(() => seen.length === 1);
    set('test.echo.v1.EchoService', true);
    set('test.echo.v1.EchoService', false);
    await eventually(() => seen.length === 2);
    expect(seen).to.deep.equal([serving, notServing]);
  });

  it('tells a watcher of a service that is not here so, and when it comes', async () => {
    const { seen } = watch('late.Service');
    await eventually(() => seen.length === 1);
    set('late.Service', true);
    await eventually(() => seen.length === 2);
    expect(seen).to.deep.equal([unknown, serving]);
  });

  it('forgets a watcher that has gone', async () => {
    const { seen, call } = watch('');
    await eventually(() => seen.length === 1);
    expect(listeners.size).to.equal(1);
    call.cancel();
    await eventually(() => listeners.size === 0);
  });

  it('tells watchers NOT_SERVING and ends their streams when draining begins, which they do not hold up', async () => {
    const watchers = ['', 'test.echo.v1.EchoService', 'late.Service'].map(watch);
    const ended = watchers.map(({ call }) => new Promise((resolve) => call.on('status', resolve)));
    for (const { seen } of watchers) await eventually(() => seen.length === 1);
    const startedMs = performance.now();
    await server.drain(5_000);
    expect(performance.now() - startedMs).to.be.below(2_000);
    for (const status of await Promise.all(ended)) expect(status).to.include({ code: 0 });
    expect(watchers.map(({ seen }) => seen)).to.deep.equal([
      [serving, notServing],
      [serving, notServing],
      [unknown, notServing],
    ]);
    expect(listeners.size).to.equal(0);
  });

  it('says NOT_SERVING once when the services said so before the drain', async () => {
    const { seen, call } = watch('');
    const ended = new Promise((resolve) => call.on('status', resolve));
    await eventually(() => seen.length === 1);
    set('', false);
    await server.drain(5_000);
    expect(await ended).to.include({ code: 0 });
    expect(seen).to.deep.equal([serving, notServing]);
  });

  it('stays up when what it is sent can not be read', async () => {
    const error = await unary('Check', Buffer.from([0x0a, 0x7f])).catch((thrown: ServiceError) => thrown);
    expect((error as ServiceError).code).to.be.greaterThan(0);
    expect(await unary('Check', nameOf(''))).to.deep.equal(serving);
  });
});
