import { expect } from 'chai';
import { MeshError } from '../../contract/error.js';
import { machineAmbient } from '../../runtime/ambient.js';
import { StartupError } from '../../runtime/startup-error.js';
import { eventually } from '../../testing/eventually.js';
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
import type { Wire } from '../wire.js';
import { grpcWire } from './channel-wire.js';
import { type GrpcServer, openGrpcServer } from './server.js';

const ambient = machineAmbient();

describe('the gRPC server', () => {
  const servers: GrpcServer[] = [];
  const wires: Wire[] = [];
  afterEach(async () => {
    for (const wire of wires.splice(0)) wire.close();
    await Promise.all(servers.splice(0).map((server) => server.drain(0)));
  });

  const open = async (handlers: Partial<EchoHandlers> = {}, caller = 'outside', port = 0) => {
    const dispatch = createDispatch({ contracts: [echoService(handlers)], policies: echoPolicies, ambient });
    const server = await openGrpcServer({
      host: '127.0.0.1',
      port,
      portVariable: 'GRPC_PORT',
      methods: echoPolicies.values(),
      dispatch,
      caller,
    });
    servers.push(server);
    const wire = grpcWire(`127.0.0.1:${server.port}`);
    wires.push(wire);
    const client = createClient(EchoDefinition, { wire, policies: echoPolicies, ambient, caller: 'test' });
    return { server, wire, client };
  };

  const never = () => new Promise<never>(() => undefined);
  const codeOf = (call: Promise<unknown>) =>
    call.then(
      () => 'OK',
      (error: unknown) => MeshError.from(error).code,
    );

  it('says in one line which port is taken, and which setting chooses another', async () => {
    const { server } = await open();
    const printed: unknown[] = [];
    const print = console.error;
    console.error = (...line) => void printed.push(line);
    const error = await open({}, 'outside', server.port)
      .catch((thrown: unknown) => thrown)
      .finally(() => {
        console.error = print;
      });
    expect(printed, 'lines of the library beside ours').to.deep.equal([]);
    expect(error).to.be.instanceOf(StartupError);
    expect((error as Error).message)
      .to.include(String(server.port))
      .and.include('GRPC_PORT')
      .and.not.include('\n');
  });

  it('believes a client outside nothing that only the mesh may say', async () => {
    let seen: CallContext | undefined;
    const handlers: Partial<EchoHandlers> = {
      say: async (request, context) => {
        seen = context;
        return request;
      },
    };
    const spoofed = {
      'x-priority': 'critical',
      'x-caller': 'order',
      'x-user-id': 'usr_1',
      'x-mesh-caller': 'order',
      'x-forwarded-client-cert': 'By=spiffe://shop/order',
      'x-request-id': 'mine',
    };
    const send = async (caller: string) => {
      const { wire } = await open(handlers, caller);
      await wire.call({
        method: echoPolicy('say'),
        body: Buffer.from('{}'),
        metadata: spoofed,
        deadlineMs: Date.now() + 5_000,
        signal: new AbortController().signal,
      });
    };
    await send('outside');
    expect(seen).to.include({ caller: 'outside', priority: 'normal' });
    expect(seen?.metadata).to.deep.equal({ 'x-request-id': 'mine' });
    await send('order');
    expect(seen, 'inside the mesh the class goes along').to.include({
      caller: 'order',
      priority: 'critical',
    });
  });

  it('stays up when a handler sets a trailer that can not be sent', async () => {
    const { client } = await open({
      say: async (request, context) => {
        if (request.text === 'bad') context.setTrailer('x-note', 'line\nbreak');
        return request;
      },
    });
    expect(await codeOf(client.say({ text: 'bad' }, testContext(), { deadlineMs: 1_000 }))).to.equal(
      'INTERNAL',
    );
    expect(await codeOf(client.say({ text: 'good' }, testContext()))).to.equal('OK');
  });

  describe('while it drains', () => {
    it('lets a call in flight end, and takes no new ones', async () => {
      let release: () => void = () => undefined;
      const gate = new Promise<void>((resolve) => {
        release = resolve;
      });
      const { server, client } = await open({
        say: async (request) => {
          await gate;
          return request;
        },
      });
      const answer = codeOf(client.say({}, testContext()));
      await new Promise((resolve) => setTimeout(resolve, 50));
      const drained = server.drain(3_000);
      await new Promise((resolve) => setTimeout(resolve, 20));
      expect(await codeOf(client.say({}, testContext(), { deadlineMs: 1_000 }))).to.be.oneOf([
        'UNAVAILABLE',
        'DEADLINE_EXCEEDED',
      ]);
      release();
      expect(await answer).to.equal('OK');
      await drained;
    });

    it('cuts what has not ended after the grace: the caller sees UNAVAILABLE, the handler is told', async () => {
      let handler: AbortSignal | undefined;
      const { server, client } = await open({
        say: (_request, context) => {
          handler = context.signal;
          return never();
        },
        count: async function* () {
          yield { text: '', number: 1 };
          await never();
        },
      });
      const unary = codeOf(client.say({}, testContext()));
      const stream = codeOf(
        (async () => {
          for await (const _ of client.count({}, testContext()));
        })(),
      );
      await eventually(() => handler !== undefined);
      const startMs = Date.now();
      await server.drain(100);
      expect(Date.now() - startMs).to.be.within(80, 1_500);
      expect([await unary, await stream]).to.deep.equal(['UNAVAILABLE', 'UNAVAILABLE']);
      await eventually(() => handler?.aborted === true);
    });
  });

  describe('that can not be reached', () => {
    it('is UNAVAILABLE, without its address in the message', async () => {
      const { server, client } = await open();
      await server.drain(0);
      const error = await client.say({}, testContext(), { deadlineMs: 2_000 }).catch(MeshError.from);
      expect(error).to.include({ code: 'UNAVAILABLE', reason: 'UNAVAILABLE' });
      expect((error as MeshError).message).to.not.include('127.0.0.1');
    });
  });
});
