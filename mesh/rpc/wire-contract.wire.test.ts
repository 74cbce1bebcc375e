import { testAuthority } from '../security/test-certificates.test.js';
import { type WireSetup, wireContract } from './contract-suite.js';
import { echoPolicies } from './echo-contract.test.js';
import { type GrpcWireOptions, grpcWire } from './grpc/channel-wire.js';
import { type CallersAlike, type CallersCertified, type GrpcServer, openGrpcServer } from './grpc/server.js';
import { inProcessWire } from './in-process.js';
import type { Wire } from './wire.js';

wireContract('in process', () => ({
  connect: async (dispatch, caller) => inProcessWire(() => dispatch, caller),
  close: async () => undefined,
}));

wireContract('grpc over loopback', () =>
  overLoopback(
    (caller) => ({ caller }),
    () => ({}),
  ),
);

const authority = testAuthority();
const identity = authority.identityOf('echo');

wireContract('grpc over loopback with mTLS', () =>
  overLoopback(
    () => ({ identity }),
    (caller) => ({ callee: 'echo', identity: authority.identityOf(caller) }),
  ),
);

/** How both ends of a hop know each other, by the name of the caller. */
function overLoopback(
  server: (caller: string) => CallersAlike | CallersCertified,
  client: (caller: string) => GrpcWireOptions,
): WireSetup {
  const servers: GrpcServer[] = [];
  const wires: Wire[] = [];
  return {
    connect: async (dispatch, caller) => {
      const listening = await openGrpcServer({
        host: '127.0.0.1',
        port: 0,
        portVariable: 'GRPC_PORT',
        methods: echoPolicies.values(),
        dispatch,
        ...server(caller),
      });
      const wire = grpcWire(`127.0.0.1:${listening.port}`, client(caller));
      servers.push(listening);
      wires.push(wire);
      return wire;
    },
    close: async () => {
      for (const wire of wires) wire.close();
      await Promise.all(servers.map((listening) => listening.drain(0)));
    },
  };
}
