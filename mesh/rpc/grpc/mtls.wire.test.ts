import { getEventListeners, once } from 'node:events';
import { type AddressInfo, connect, createServer, Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { experimental, type handleUnaryCall } from '@grpc/grpc-js';
import { expect } from 'chai';
import { MeshError } from '../../contract/error.js';
import { machineAmbient } from '../../runtime/ambient.js';
import { createCallPolicy } from '../../security/authority.js';
import { testAuthority } from '../../security/test-certificates.test.js';
import type { WorkloadIdentity } from '../../security/workload-identity.js';
import { testContext } from '../../testing/test-context.js';
import { createClient } from '../client.js';
import type { CallContext } from '../context.js';
import { createDispatch } from '../dispatch.js';
import {
  EchoDefinition,
  type EchoHandlers,
  echoPolicies,
  echoPolicy,
  echoService,
} from '../echo-contract.test.js';
import { authoriseInterceptor } from '../interceptors/authorise.js';
import type { Wire } from '../wire.js';
import { type GrpcWireOptions, grpcWire } from './channel-wire.js';
import { healthService } from './health.js';
import { askHealth } from './health-client.js';
import { type ExtraService, type GrpcServer, openGrpcServer } from './server.js';

const ambient = machineAmbient();
const hourMs = 3_600_000;

describe('gRPC with mTLS', () => {
  const authority = testAuthority();
  const catalog = authority.identityOf('catalog');
  const order = authority.identityOf('order');
  const expired = { notBeforeMs: Date.now() - 2 * hourMs, notAfterMs: Date.now() - hourMs };

  const servers: GrpcServer[] = [];
  const wires: Wire[] = [];
  afterEach(async () => {
    for (const wire of wires.splice(0)) wire.close();
    await Promise.all(servers.splice(0).map((server) => server.drain(0)));
  });

  /** A catalogue that notes the contexts of the calls that reach its handler. */
  const serve = async (
    identity: WorkloadIdentity = catalog,
    handlers: Partial<EchoHandlers> = {},
    onHealthCheck: (authority: string) => void = () => undefined,
  ) => {
    const seen: CallContext[] = [];
    const say: EchoHandlers['say'] = async (request, context) => {
      seen.push(context);
      return request;
    };
    const policies = new Map(echoPolicies);
    const internal = echoPolicy('say', { exposure: 'internal' });
    policies.set(internal.path, internal);
    const declared = createCallPolicy({
      order: Array.from(policies.keys(), (path) => path.slice(1)),
      cart: ['test.echo.v1.EchoService/Count'],
    });
    const server = await openGrpcServer(
      {
        host: '127.0.0.1',
        port: 0,
        portVariable: 'GRPC_PORT',
        methods: policies.values(),
        dispatch: createDispatch({
          contracts: [echoService({ say, ...handlers })],
          policies,
          ambient,
          interceptors: { authorise: authoriseInterceptor(declared) },
        }),
        identity,
      },
      [healthNoting(onHealthCheck)],
    );
    servers.push(server);
    return { seen, port: server.port };
  };

  const clientOf = (port: number, options: GrpcWireOptions) => {
    const wire = grpcWire(`127.0.0.1:${port}`, options);
    wires.push(wire);
    return createClient(EchoDefinition, { wire, policies: echoPolicies, ambient, caller: 'test' });
  };
  const as = (identity: WorkloadIdentity): GrpcWireOptions => ({ identity, callee: 'catalog' });

  /** The code of one call, with all that is known of its failure. */
  const attempt = (port: number, options: GrpcWireOptions) =>
    clientOf(port, options)
      .say({ text: 'hello' }, testContext(), { deadlineMs: 3_000 })
      .then(
        () => ({ code: 'OK', reason: '', cause: '' }),
        (thrown: unknown) => {
          const { code, reason, cause } = MeshError.from(thrown);
          return { code, reason, cause: String(cause) };
        },
      );

  describe('tells the handler who calls:', () => {
    it('the service of the certificate', async () => {
      const { seen, port } = await serve();
      expect(await attempt(port, as(order))).to.include({ code: 'OK' });
      expect(seen.map(({ caller }) => caller)).to.deep.equal(['order']);
    });

    it('each of several at once its own name, on all kinds of calls', async () => {
      const callers: string[] = [];
      const { port } = await serve(catalog, {
        count: async function* (request, { caller }) {
          callers.push(caller);
          yield request;
        },
      });
      const read = async (identity: WorkloadIdentity) => {
        for await (const _ of clientOf(port, as(identity)).count({}, testContext()));
      };
      const cart = authority.identityOf('cart');
      await Promise.all([read(order), read(cart), read(order), read(cart)]);
      expect(callers.sort()).to.deep.equal(['cart', 'cart', 'order', 'order']);
    });

    it('and reads the certificate once a connection, not once a call', async () => {
      const { seen, port } = await serve();
      const client = clientOf(port, as(order));
      await client.say({}, testContext());
      const read = TLSSocket.prototype.getPeerCertificate;
      let reads = 0;
      TLSSocket.prototype.getPeerCertificate = function (this: TLSSocket, ...terms: []) {
        reads += 1;
        return read.apply(this, terms);
      } as typeof read;
      try {
        for (let n = 0; n < 10; n += 1) await client.say({}, testContext());
      } finally {
        TLSSocket.prototype.getPeerCertificate = read;
      }
      expect(seen.map(({ caller }) => caller)).to.deep.equal(Array(11).fill('order'));
      expect(reads).to.equal(0);
    });

    it('never by what a header says', async () => {
      const { seen, port } = await serve();
      const wire = grpcWire(`127.0.0.1:${port}`, as(order));
      wires.push(wire);
      await wire.call({
        method: echoPolicy('say'),
        body: Buffer.from('{}'),
        metadata: {
          'x-caller': 'payment',
          'x-forwarded-client-cert': 'URI=spiffe://meshmart.local/service/payment',
        },
        deadlineMs: Date.now() + 3_000,
        signal: new AbortController().signal,
      });
      expect(seen[0]?.caller).to.equal('order');
    });
  });

  describe('answers an internal method', () => {
    it('only to services that declare the call', async () => {
      const { seen, port } = await serve();
      expect(await attempt(port, as(order))).to.include({ code: 'OK' });
      for (const name of ['cart', 'payment', 'catalog']) {
        expect(await attempt(port, as(authority.identityOf(name))), name).to.include({
          code: 'PERMISSION_DENIED',
          reason: 'CALL_NOT_DECLARED',
        });
      }
      expect(seen).to.have.length(1);
    });
  });

  describe('lets nobody in', () => {
    const strangers: Record<string, GrpcWireOptions> = {
      'without TLS': {},
      'with a certificate of another authority': as({
        ...testAuthority().identityOf('order'),
        caPem: catalog.caPem,
      }),
      'with a certificate that has expired': as(authority.identityOf('order', expired)),
      'with a certificate that does not hold yet': as(
        authority.identityOf('order', {
          notBeforeMs: Date.now() + hourMs,
          notAfterMs: Date.now() + 2 * hourMs,
        }),
      ),
    };
    for (const [how, options] of Object.entries(strangers)) {
      it(how, async () => {
        const { seen, port } = await serve();
        expect(await attempt(port, options)).to.include({ code: 'UNAVAILABLE' });
        expect(seen).to.deep.equal([]);
        expect(await attempt(port, as(order)), 'others are served on').to.include({ code: 'OK' });
      });
    }

    it('whose certificate names no service of the shop', async () => {
      const { seen, port } = await serve();
      for (const uri of ['spiffe://evil.local/service/order', 'spiffe://meshmart.local/service/outside']) {
        const identity = authority.identityFor({ commonName: 'order', uris: [uri], dnsNames: ['order'] });
        expect(await attempt(port, as(identity)), uri).to.include({
          code: 'UNAUTHENTICATED',
          reason: 'CALLER_UNKNOWN',
        });
      }
      expect(seen).to.deep.equal([]);
    });

    it('that sends what is no TLS at all, and goes on to serve others', async () => {
      const { port } = await serve();
      for (const bytes of [Buffer.alloc(500, 0x16), Buffer.from('GET / HTTP/1.1\r\n\r\n'), Buffer.alloc(0)]) {
        const socket = connect(port, '127.0.0.1');
        socket.on('error', () => undefined);
        socket.end(bytes);
        await once(socket, 'close');
      }
      expect(await attempt(port, as(order))).to.include({ code: 'OK' });
    });

    it('to health either, unless it has a certificate', async () => {
      const { port } = await serve();
      const ask = (options: GrpcWireOptions) => {
        const wire = grpcWire(`127.0.0.1:${port}`, options);
        wires.push(wire);
        return askHealth(wire, '', Date.now() + 3_000, new AbortController().signal);
      };
      expect(await ask(as(order))).to.equal(true);
      expect(await ask({}).catch((error: MeshError) => error.code)).to.equal('UNAVAILABLE');
    });
  });

  describe('calls nobody but the callee:', () => {
    const others: Record<string, [WorkloadIdentity, RegExp]> = {
      'not another service that has its address': [
        authority.identityOf('cart'),
        /that of cart, not of catalog/,
      ],
      "not who has the callee's name from another authority": [testAuthority().identityOf('catalog'), /./],
      'not who names the callee as a host only': [
        authority.identityFor({ commonName: 'catalog', dnsNames: ['catalog'] }),
        /no service's, not of catalog/,
      ],
      'not a callee whose certificate has expired': [authority.identityOf('catalog', expired), /expired/],
    };
    for (const [who, [identity, cause]] of Object.entries(others)) {
      it(who, async () => {
        const { seen, port } = await serve(identity);
        const outcome = await attempt(port, as(order));
        expect(outcome).to.include({ code: 'UNAVAILABLE', reason: 'UNAVAILABLE' });
        expect(outcome.cause).to.match(cause);
        expect(seen).to.deep.equal([]);
      });
    }

    it('not a server without TLS', async () => {
      const server = await openGrpcServer({
        host: '127.0.0.1',
        port: 0,
        portVariable: 'GRPC_PORT',
        methods: echoPolicies.values(),
        dispatch: createDispatch({ contracts: [echoService()], policies: echoPolicies, ambient }),
        caller: 'outside',
      });
      servers.push(server);
      expect(await attempt(server.port, as(order))).to.include({ code: 'UNAVAILABLE' });
    });

    it('and is not made at all without a name to expect', () => {
      expect(() => grpcWire('127.0.0.1:1', { identity: order })).to.throw(TypeError);
    });
  });

  it('calls under the name of the callee, wherever a resolver finds it', async () => {
    registerFixedResolver();
    const hosts: string[] = [];
    const { port } = await serve(catalog, {}, (host) => hosts.push(host));
    const wire = grpcWire(`fixed:///${port}`, { ...as(order), channel: { 'grpc.enable_retries': 0 } });
    wires.push(wire);
    expect(await askHealth(wire, '', Date.now() + 3_000, new AbortController().signal)).to.equal(true);
    expect(hosts).to.deep.equal(['catalog']);
  });

  it('ends at the deadline at a peer that never shakes hands, and does not keep the process for it', async () => {
    const silent = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.unref();
    });
    silent.listen(0, '127.0.0.1').unref();
    await once(silent, 'listening');
    const held = () => process.getActiveResourcesInfo().filter((kind) => kind === 'TCPSocketWrap').length;
    const before = held();
    const client = clientOf((silent.address() as AddressInfo).port, as(order));
    const code = await client.say({}, testContext(), { deadlineMs: 200 }).then(
      () => 'OK',
      (error: MeshError) => error.code,
    );
    expect(code).to.equal('DEADLINE_EXCEEDED');
    expect(held()).to.equal(before);
    silent.close();
  });

  it('leaves neither listeners nor connections behind after 200 calls', async () => {
    const { port } = await serve();
    const client = clientOf(port, as(order));
    const parent = new AbortController();
    const context = testContext({ signal: parent.signal });
    const warnings: string[] = [];
    const warn = ({ message }: Error) => void warnings.push(message);
    process.on('warning', warn);
    const calls = async (count: number) => {
      for (let n = 0; n < count; n += 1) await client.say({ number: n }, context);
      return [getEventListeners(parent.signal, 'abort').length, ...socketListeners()];
    };
    const before = await calls(20);
    expect(await calls(200)).to.deep.equal(before);
    process.off('warning', warn);
    expect(warnings).to.deep.equal([]);
    expect(before[0]).to.equal(0);
  });
});

/** Health that is always good, and notes under which name it was asked. */
function healthNoting(onCheck: (authority: string) => void): ExtraService {
  const [definition, implementation] = healthService({
    serving: () => true,
    names: () => [''],
    onChange: () => () => undefined,
  });
  const check = implementation['Check'] as handleUnaryCall<unknown, unknown>;
  const noting: typeof check = (call, callback) => {
    onCheck(call.getHost());
    check(call, callback);
  };
  return [definition, { ...implementation, Check: noting }];
}

/** `fixed:///<port>` leads to that port of the loopback interface, as `consul:///<service>` leads to where Consul says. */
function registerFixedResolver(): void {
  experimental.registerResolver(
    'fixed',
    class {
      constructor(
        private readonly target: { readonly path: string },
        private readonly listener: experimental.ResolverListener,
      ) {}
      updateResolution(): void {
        const address = { host: '127.0.0.1', port: Number(this.target.path) };
        queueMicrotask(() =>
          this.listener(experimental.statusOrFromValue([{ addresses: [address] }]), {}, null, ''),
        );
      }
      destroy(): void {}
      static getDefaultAuthority = () => 'a-name-of-the-target';
    },
  );
}

/** The number of listeners of each open socket of this process. */
function socketListeners(): number[] {
  const { _getActiveHandles: handles } = process as unknown as { _getActiveHandles(): object[] };
  return handles
    .call(process)
    .filter((handle) => handle instanceof Socket)
    .map((socket) => socket.eventNames().reduce((sum, name) => sum + socket.listenerCount(name), 0))
    .sort();
}
