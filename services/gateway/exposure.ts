import type { MethodPolicy } from '../../mesh/contract/policy.js';
import type { Metadata } from '../../mesh/rpc/context.js';
import { notExposed } from '../../mesh/rpc/interceptors/authorise.js';

/** @throws MeshError PERMISSION_DENIED (METHOD_NOT_EXPOSED) for an internal method. */
export function requireExposed(method: MethodPolicy): void {
  if (method.exposure === 'internal') throw notExposed(method.path);
}

/**
 * By this a tester asks for canaries, with the value `always`: routes of a mesh look for it, and calls that follow from the call
 * carry it on.
 */
export const canaryHeader = 'x-canary';

/** What a request that asks for canaries carries on. Any other value is dropped: it may be none that gRPC can carry. */
export function canaryWish(sent: string | readonly string[] | undefined): Metadata {
  return sent === 'always' ? { [canaryHeader]: sent } : {};
}

/** What a client may say to a service. Anything else that a client sends ends here, so that nothing can be spoofed. */
const passedOn = ['authorization', 'idempotency-key', 'traceparent', 'tracestate', 'baggage', canaryHeader];

/** The metadata of a call that comes from outside. Its priority is the method's own. */
export function outgoingMetadata(metadata: Metadata, method: MethodPolicy): Metadata {
  const kept = Object.entries(metadata).filter(([name]) => passedOn.includes(name));
  return { ...Object.fromEntries(kept), 'x-priority': method.priority };
}
