import { askHealth } from '../../rpc/grpc/health-client.js';
import type { WireTo } from '../../rpc/wire.js';
import type { Readiness, ServiceHealth } from '../../runtime/edge.js';
import type { Manifest } from '../../runtime/manifest.js';
import type { Ambient } from '../../runtime/ports.js';

/** What the edge asks to know whether a purchase would work. */
export interface CalleeHealthOptions {
  readonly manifests: readonly Manifest[];
  /** Wires without breaker or fallback: the truth is wanted. */
  readonly wireTo: WireTo;
  readonly ambient: Ambient;
  /** How long one service may take to answer, in milliseconds. Default 1000. */
  readonly withinMs?: number;
}

/** Asks each other service's health by gRPC. Ready means that every required one serves. */
export async function checkCallees(options: CalleeHealthOptions): Promise<Readiness> {
  const services = await Promise.all(options.manifests.map((manifest) => healthOf(manifest, options)));
  return {
    ready: services.every(({ serving, criticality }) => serving || criticality === 'optional'),
    services,
  };
}

async function healthOf(manifest: Manifest, options: CalleeHealthOptions): Promise<ServiceHealth> {
  const { name, criticality } = manifest;
  // The edge itself: it is asking.
  if (manifest.implements.length === 0) return { name, criticality, serving: true, problem: undefined };
  const { ambient, withinMs = 1_000 } = options;
  const ending = new AbortController();
  const cancel = ambient.timers.after(withinMs, () => ending.abort());
  try {
    const deadlineMs = ambient.clock.nowMs() + withinMs;
    const serving = await askHealth(
      options.wireTo(name),
      // By the contract's name: the empty one only says that the process lives.
      manifest.implements[0] ?? '',
      deadlineMs,
      ending.signal,
    );
    return { name, criticality, serving, problem: serving ? undefined : 'says that it is not serving' };
  } catch (error) {
    const problem = ending.signal.aborted
      ? `does not answer within ${withinMs} ms`
      : error instanceof Error
        ? error.message
        : 'unknown';
    return { name, criticality, serving: false, problem };
  } finally {
    cancel();
  }
}
