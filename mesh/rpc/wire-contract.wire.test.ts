import { wireContract } from './contract-suite.js';
import { echoPolicies } from './echo-contract.test.js';
import { grpcWire } from './grpc/channel-wire.js';
import { type GrpcServer, openGrpcServer } from './grpc/server.js';
import { inProcessWire } from './in-process.js';
import type { Wire } from './wire.js';

wireContract('in process', () => ({
  connect: async (dispatch, caller) => inProcessWire(() => dispatch, caller),
  close: async () => undefined,
}));

wireContract('grpc over loopback', () => {
  const servers: GrpcServer[] = [];
  const wires: Wire[] = [];
  return {
    connect: async (dispatch, caller) => {
      const server = await openGrpcServer({
        host: '127.0.0.1',
        port: 0,
        portVariable: 'GRPC_PORT',
        methods: echoPolicies.values(),
        dispatch,
        caller,
      });
      const wire = grpcWire(`127.0.0.1:${server.port}`);
      servers.push(server);
      wires.push(wire);
      return wire;
    },
    close: async () => {
      for (const wire of wires) wire.close();
      await Promise.all(servers.map((server) => server.drain(0)));
    },
  };
});
