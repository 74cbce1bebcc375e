import { observedDispatch, observedWire } from '../rpc/observed-wire.js';
import type { Dispatch, WireTo } from '../rpc/wire.js';
import type { HostWorld } from '../runtime/host.js';

/** The wires of the edge, each with client spans and metrics in the edge's name. */
export function observedWires(world: HostWorld, edge: string): WireTo {
  const wireTo = world.wires(edge);
  return (service) => observedWire(wireTo(service), { ...observerOf(world, edge), caller: edge });
}

/** The edge's receiving end at the gRPC front port, with server spans and metrics in the edge's name. */
export function observedFront(world: HostWorld, edge: string, front: Dispatch): Dispatch {
  return observedDispatch(front, observerOf(world, edge));
}

function observerOf(world: HostWorld, edge: string) {
  return {
    tracer: world.tracerOf(edge),
    metrics: world.metrics.rpc(edge),
    clock: world.ambient.clock,
  };
}
