import { MeshError } from '../../mesh/contract/error.js';
import type { Dispatch } from '../../mesh/rpc/wire.js';
import type { EdgePorts } from '../../mesh/runtime/edge.js';
import { outgoingMetadata, requireExposed } from './exposure.js';
import { bearerOf, userIdOf } from './guest.js';
import type { CheckLimits } from './limits.js';

/**
 * The gRPC front port: passes calls to the services with their bytes unopened. What is internal is refused here, in every
 * shape; who may call what else, and whether the request is good, the services decide themselves.
 */
export function createFront(ports: EdgePorts, checkLimits: CheckLimits): Dispatch {
  return async (arrival) => {
    const { method } = arrival;
    requireExposed(method);
    const owner = ports.ownerOf(method.service);
    if (owner === undefined) {
      throw new MeshError({
        code: 'UNIMPLEMENTED',
        reason: 'UNIMPLEMENTED',
        message: `no service here implements ${method.path.slice(1)}`,
      });
    }
    const token = bearerOf(arrival.metadata['authorization']);
    await checkLimits({ client: addressOf(arrival.peer), userId: await userIdOf(ports, token), method });
    return ports.wireTo(owner).call({
      method,
      body: arrival.body,
      metadata: outgoingMetadata(arrival.metadata, method),
      deadlineMs: Number.isFinite(arrival.deadlineMs)
        ? arrival.deadlineMs
        : ports.clock.nowMs() + method.deadlineMs,
      signal: arrival.signal,
    });
  };
}

/** The address without the port: a client is a machine, not a connection. */
function addressOf(peer: string): string {
  return peer.replace(/:\d+$/, '');
}
