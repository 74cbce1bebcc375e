import type { MethodPolicy } from '../contract/policy.js';
import type { CallContext, Metadata } from './context.js';
import type { Body } from './wire.js';

/** A call on its way through the interceptors. Interceptors pass on a changed copy, never change it in place. */
export interface Call {
  readonly method: MethodPolicy;
  readonly body: Body;
  readonly context: CallContext;
  /** Of a client: told of the answer's trailers. */
  readonly onTrailers?: ((trailers: Metadata) => void) | undefined;
}

/** Takes a call to its answer: the next interceptor, and in the end the wire or the handler. */
export type Next = (call: Call) => Promise<Body>;

/** `(next) => (call) => answer`: wraps what comes after it. Made by a factory that takes its options and ports. */
export type Interceptor = (next: Next) => Next;

/**
 * The order of things in a call, outermost first. This is the only place where it is written: `composeClient` and
 * `composeServer` sort by it, and an interceptor of an unknown place is refused.
 *
 * ```text
 * client  trace > metrics > log > fallback > cache > bulkhead > deadline > identity > wire
 * server  trace > metrics > log > shed > identity > authorise > validate > deduplicate > handler
 * ```
 *
 * Retries are the wire's own (grpc-js service config): an interceptor runs once a call, not once an attempt.
 */
export const clientOrder = [
  'trace',
  'metrics',
  'log',
  'fallback',
  'cache',
  'bulkhead',
  'deadline',
  'identity',
] as const;
export const serverOrder = [
  'trace',
  'metrics',
  'log',
  'shed',
  'identity',
  'authorise',
  'validate',
  'deduplicate',
] as const;

export type ClientPlace = (typeof clientOrder)[number];
export type ServerPlace = (typeof serverOrder)[number];

/** Interceptors by the place where they stand; a place without one is passed over. */
export type Placed<Place extends string> = Partial<Record<Place, Interceptor>>;

/** Wraps `innermost` with the client interceptors in {@link clientOrder}. */
export function composeClient(placed: Placed<ClientPlace>, innermost: Next): Next {
  return compose(clientOrder, placed, innermost);
}

/** Wraps `innermost` with the server interceptors in {@link serverOrder}. */
export function composeServer(placed: Placed<ServerPlace>, innermost: Next): Next {
  return compose(serverOrder, placed, innermost);
}

function compose<Place extends string>(
  order: readonly Place[],
  placed: Placed<Place>,
  innermost: Next,
): Next {
  const unknown = Object.keys(placed).find((place) => !(order as readonly string[]).includes(place));
  if (unknown !== undefined) {
    throw new RangeError(`interceptor place '${unknown}' does not exist: use one of ${order.join(', ')}`);
  }
  return order.reduceRight<Next>((next, place) => placed[place]?.(next) ?? next, innermost);
}
