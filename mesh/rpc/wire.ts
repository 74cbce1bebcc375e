import type { MethodPolicy } from '../contract/policy.js';
import type { Metadata } from './context.js';

/** One message, or a stream of them: the encoded form of what a method takes or gives. */
export type Body = Uint8Array | AsyncIterable<Uint8Array>;

/** A call as it crosses from one service to another. */
export interface WireRequest {
  readonly method: MethodPolicy;
  /** One message for unary and server-streaming methods, else a stream. */
  readonly body: Body;
  /** What travels: `traceparent`, `authorization`, `idempotency-key`, `x-priority` and the caller's own. */
  readonly metadata: Metadata;
  /** Moment (milliseconds since the epoch) after which the answer is worthless. */
  readonly deadlineMs: number;
  /** Aborting it cancels the call at the far end too. */
  readonly signal: AbortSignal;
}

/** The answer to a {@link WireRequest}. */
export interface WireResponse {
  /** One message for unary and client-streaming methods, else a stream. */
  readonly body: Body;
  /** Trailers of a unary answer; for streams they are complete once the stream has ended. */
  readonly trailers: Metadata;
}

/**
 * One hop to a service: a grpc-js channel, a direct call in the same process, or a simulated network. All of them carry
 * encoded messages, so a handler can't tell them apart.
 */
export interface Wire {
  /** @throws MeshError for every failure, with the status of the far end or UNAVAILABLE, DEADLINE_EXCEEDED, CANCELLED. */
  call(request: WireRequest): Promise<WireResponse>;
  /** Waits for nothing; calls in flight end with UNAVAILABLE. */
  close(): void;
}

/** Gives the wire that leads to a service; the caller's name is bound to it when the runtime is wired up. */
export type WireTo = (service: string) => Wire;

/** What arrived, with who sent it: the wire vouches for both. */
export interface Arrival extends WireRequest {
  /** The calling service, or `outside`. */
  readonly caller: string;
  /** Address of the peer. */
  readonly peer: string;
}

/** The receiving end of a wire: answers any call to the services that are bound in this process. */
export type Dispatch = (arrival: Arrival) => Promise<WireResponse>;
