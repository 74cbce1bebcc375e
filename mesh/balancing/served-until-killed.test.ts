import { createDispatch } from '../rpc/dispatch.js';
import { echoPolicies, echoService } from '../rpc/echo-contract.test.js';
import { openGrpcServer } from '../rpc/grpc/server.js';
import { machineAmbient } from '../runtime/ambient.js';
import type { WorkloadIdentity } from '../security/workload-identity.js';

/** What killed-instance.wire.test.ts forks an instance of the echo service with. */
export interface InstanceOrder {
  readonly identity: WorkloadIdentity;
  /** How long it takes to answer, in milliseconds. */
  readonly answersAfterMs: number;
}

// Serves, tells its port, and lives until it is killed.
if (process.send !== undefined) {
  process.once('message', ({ identity, answersAfterMs }: InstanceOrder) => {
    const ambient = machineAmbient();
    const dispatch = createDispatch({
      contracts: [
        echoService({
          say: async (request) => {
            await ambient.timers.sleep(answersAfterMs);
            return request;
          },
        }),
      ],
      policies: echoPolicies,
      ambient,
    });
    void openGrpcServer({
      host: '127.0.0.1',
      port: 0,
      portVariable: 'none',
      methods: echoPolicies.values(),
      dispatch,
      identity,
    }).then(({ port }) => process.send?.(port));
  });
  process.once('disconnect', () => process.exit());
}
