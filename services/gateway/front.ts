import { MeshError } from '../../mesh/contract/error.js';
import { onEnd } from '../../mesh/rpc/stream.js';
import type { Dispatch } from '../../mesh/rpc/wire.js';
import type { EdgePorts } from '../../mesh/runtime/edge.js';
import { formatTraceparent, parseTraceparent } from '../../mesh/telemetry/trace-context.js';
import { outgoingMetadata, requireExposed } from './exposure.js';
import { bearerOf, userIdOf } from './guest.js';
import type { CheckLimits } from './limits.js';

/**
 * The gRPC front port: passes calls to the services with their bytes unopened. What is internal is refused here, in every
 * shape; who may call what else, and whether the request is good, the services decide themselves.
 */
export function createFront(ports: EdgePorts, checkLimits: CheckLimits): Dispatch {
  const pass: Dispatch = async (arrival) => {
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
  return async (arrival) => {
    const name = arrival.method.path.slice(1);
    const span = ports.tracer.start({
      name,
      kind: 'server',
      parent: parseTraceparent(arrival.metadata['traceparent']),
      attributes: { 'rpc.system.name': 'grpc', 'rpc.method': name, 'meshmart.caller': arrival.caller },
    });
    const end = (failure: unknown) => {
      const code = failure === undefined ? 'OK' : MeshError.from(failure).code;
      span.setAttribute('rpc.response.status_code', code);
      span.end(failure === undefined ? undefined : code);
    };
    try {
      const metadata = { ...arrival.metadata, traceparent: formatTraceparent(span.context) };
      const response = await pass({ ...arrival, metadata });
      return { ...response, body: onEnd(response.body, end) };
    } catch (error) {
      end(error);
      throw error;
    }
  };
}

/** The address without the port: a client is a machine, not a connection. */
function addressOf(peer: string): string {
  return peer.replace(/:\d+$/, '');
}
