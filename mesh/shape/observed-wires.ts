import { observedWire } from '../rpc/observed-wire.js';
import type { WireTo } from '../rpc/wire.js';
import type { HostWorld } from '../runtime/host.js';

/** The wires of the edge, each with client spans and metrics in the edge's name. */
export function observedWires(world: HostWorld, edge: string): WireTo {
  const wireTo = world.wires(edge);
  const observer = {
    tracer: world.tracerOf(edge),
    metrics: world.metrics.rpc(edge),
    clock: world.ambient.clock,
    caller: edge,
  };
  return (service) => observedWire(wireTo(service), observer);
}
