import { expect } from 'chai';
import { MeshError } from '../../contract/error.js';
import { machineAmbient } from '../../runtime/ambient.js';
import { callerByMesh, callerByName, callerHeader, type ToldCaller } from '../../security/told-caller.js';
import type { Metadata } from '../context.js';
import { createDispatch } from '../dispatch.js';
import { echoPolicies, echoPolicy, echoService } from '../echo-contract.test.js';
import type { Wire } from '../wire.js';
import { grpcWire } from './channel-wire.js';
import { type GrpcServer, openGrpcServer } from './server.js';

const prefix = 'spiffe://cluster.local/ns/shop/sa/';

describe('a gRPC server whose callers are told', () => {
  let server: GrpcServer;
  const wires: Wire[] = [];
  const callers: string[] = [];
  afterEach(async () => {
    callers.splice(0);
    for (const wire of wires.splice(0)) wire.close();
    await server.drain(0);
  });

  const serve = async (callerOf: ToldCaller) => {
    const contracts = [
      echoService({
        say: async (request, { caller }) => {
          callers.push(caller);
          return request;
        },
      }),
    ];
    server = await openGrpcServer({
      host: '127.0.0.1',
      port: 0,
      portVariable: 'INSTANCE_PORT',
      methods: echoPolicies.values(),
      dispatch: createDispatch({ contracts, policies: echoPolicies, ambient: machineAmbient() }),
      callerOf,
    });
  };

  /** The code of one call. @param always sent by the wire. @param own the call's own. */
  const attempt = async (always: Metadata, own: Metadata = {}) => {
    const wire = grpcWire(`127.0.0.1:${server.port}`, { callee: 'catalog', metadata: always });
    wires.push(wire);
    const body = Buffer.from('{}');
    const { signal } = new AbortController();
    return wire
      .call({ method: echoPolicy('say'), body, metadata: own, deadlineMs: Date.now() + 3_000, signal })
      .then(
        () => 'OK',
        (error: unknown) => MeshError.from(error).code,
      );
  };

  it('by a mesh knows the one whom the nearest proxy has seen', async () => {
    await serve(callerByMesh(prefix));
    const forged = `URI=${prefix}gateway`;
    expect(await attempt({ 'x-forwarded-client-cert': `${forged},By=x;URI=${prefix}order` })).to.equal('OK');
    expect(callers).to.deep.equal(['order']);
  });

  it('by a mesh answers nobody who comes without it', async () => {
    await serve(callerByMesh(prefix));
    expect(await attempt({})).to.equal('UNAUTHENTICATED');
    expect(await attempt({ [callerHeader]: 'order' })).to.equal('UNAUTHENTICATED');
    expect(callers).to.deep.equal([]);
  });

  it('by themselves takes the name that a wire sends with each call, whatever the call itself says', async () => {
    await serve(callerByName);
    expect(await attempt({ [callerHeader]: 'order' }, { [callerHeader]: 'gateway' })).to.equal('OK');
    expect(callers).to.deep.equal(['order']);
    expect(await attempt({})).to.equal('UNAUTHENTICATED');
  });
});
