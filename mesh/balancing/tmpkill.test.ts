import { expect } from 'chai';
import { serviceConfigFor } from '../resilience/retry-policy.js';
import { createClient } from '../rpc/client.js';
import { EchoDefinition, echoPolicies, echoPolicy } from '../rpc/echo-contract.test.js';
import { grpcWire } from '../rpc/grpc/channel-wire.js';
import type { Wire } from '../rpc/wire.js';
import { machineAmbient } from '../runtime/ambient.js';
import { testAuthority } from '../security/test-certificates.test.js';
import { collectingLog } from '../testing/collecting-log.js';
import { eventually } from '../testing/eventually.js';
import { testContext } from '../testing/test-context.js';
import { type ForkedInstance, forkInstance } from './forked-instance.test.js';
import { registerMeshRoundRobin } from './mesh-round-robin.js';

describe('kill -9 of instances, over mTLS', function () {
  this.timeout(60_000);
  const ambient = machineAmbient();
  const authority = testAuthority();
  let instances: ForkedInstance[];
  let wire: Wire;

  before(() => registerMeshRoundRobin({ ...ambient, log: collectingLog() }));
  beforeEach(async () => {
    const order = { identity: authority.identityOf('echo'), answersAfterMs: 20 };
    instances = await Promise.all(Array.from({ length: 3 }, () => forkInstance(order)));
  });
  afterEach(async () => {
    wire.close();
    await Promise.all(instances.map((instance) => instance.kill()));
  });

  it('fails no idempotent call under load while one is left', async () => {
    const policy = echoPolicy('say', { idempotency: 'no_side_effects' });
    const policies = new Map([...echoPolicies, [policy.path, policy]]);
    wire = grpcWire(`ipv4:${instances.map(({ port }) => `127.0.0.1:${port}`).join(',')}`, {
      callee: 'echo',
      identity: authority.identityOf('test'),
      channel: { 'grpc.service_config': JSON.stringify(serviceConfigFor([policy.service], policies)) },
    });
    const client = createClient(EchoDefinition, { wire, policies, ambient, caller: 'test' });
    const failures: string[] = [];
    let calls = 0;
    let going = true;
    const workers = Array.from({ length: 20 }, async () => {
      while (going) {
        await client
          .say({ text: 'hello' }, testContext())
          .catch((error: Error) => failures.push(error.message + " | " + String((error.cause as {code?: number})?.code) + " " + String((error.cause as Error)?.message) + " at call " + calls));
        calls += 1;
      }
    });
    const moreCalls = async () => {
      const wanted = calls + 500;
      await eventually(() => calls >= wanted, { withinMs: 20_000 });
    };
    await moreCalls();
    for (const instance of instances.slice(0, 2)) {
      await instance.kill();
      await moreCalls();
    }
    going = false;
    await Promise.all(workers);
    expect(failures).to.deep.equal([]);
  });
});
