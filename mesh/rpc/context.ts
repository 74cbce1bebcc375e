import type { MethodPolicy } from '../contract/policy.js';
import type { TraceContext } from '../telemetry/trace-context.js';

/** Lower-case header names to text values; binary values are not carried here. */
export type Metadata = Readonly<Record<string, string>>;

/** Who a verified token says is calling. */
export interface User {
  /** `usr_...`, `guest_...` or `operator`. */
  readonly id: string;
  readonly kind: 'user' | 'guest' | 'operator';
  /** What the token allows, such as `cart`, `orders`, `payment`, `profile`, `operator`. */
  readonly scopes: readonly string[];
}

/** What makes a command the same command when it comes twice. Set by the deduplicate interceptor. */
export interface CommandKey {
  /** Whose key it is: `user:<id>` or `service:<name>`, then the method's path. Keys of two scopes never meet. */
  readonly scope: string;
  /** The caller's `idempotency-key`. */
  readonly key: string;
  /** SHA-256 of the request's bytes: the same key with another hash is a mistake of the caller. */
  readonly requestHash: Uint8Array;
}

/**
 * What a call knows besides its request. A handler gets one and passes it to each call it makes, so that the deadline,
 * the cancellation, the user and the trace go along without being named.
 */
export interface CallContext {
  /** Moment (milliseconds since the epoch, this process's clock) after which nobody waits for the answer. */
  readonly deadlineMs: number;
  /** Aborted when the caller gives up, the deadline passes or the process ends. The reason is a MeshError. */
  readonly signal: AbortSignal;
  /** The calling service as the wire vouches for it (`order`), or `outside` for a client of a front port. */
  readonly caller: string;
  /** The verified user, if the call carries a token. */
  readonly user: User | undefined;
  /** The user's token itself, passed on to nested calls; never logged. */
  readonly userToken: string | undefined;
  /** Where this call stands in its trace. */
  readonly trace: TraceContext;
  /** Priority class from the first call of the chain: shed the lowest first. */
  readonly priority: MethodPolicy['priority'];
  /** Metadata as received, without what the runtime itself has read. */
  readonly metadata: Metadata;
  /** Present when the call carries an idempotency key. */
  readonly command: CommandKey | undefined;
  /** Address of the peer, for logs and rate limits. */
  readonly peer: string;
  /** Told by the identity interceptor who is calling, for the interceptors around it. Set by the log interceptor. */
  readonly identified?: (user: User) => void;
  /** Adds a trailer to the answer, such as `x-http-code` (the REST status that the gateway shall use). */
  setTrailer(name: string, value: string): void;
}

/**
 * The user of a call to a USER or OPERATOR method; the authorise interceptor has made sure that there is one.
 * @throws Error (a mistake of the caller) for a call without a user.
 */
export function userOf(context: CallContext): User {
  if (context.user === undefined)
    throw new Error('this method is called without a user: its exposure is not USER');
  return context.user;
}

/** What the context of work that starts here is made of. */
export interface Origin extends Pick<CallContext, 'deadlineMs' | 'signal' | 'trace' | 'priority'> {
  /** The service that works on its own behalf. */
  readonly service: string;
}

/** A context above which there is none: no caller, no user, no metadata. */
export function originOf({ service, deadlineMs, signal, trace, priority }: Origin): CallContext {
  return {
    deadlineMs,
    signal,
    caller: service,
    user: undefined,
    userToken: undefined,
    trace,
    priority,
    metadata: {},
    command: undefined,
    peer: 'background',
    setTrailer: () => undefined,
  };
}
