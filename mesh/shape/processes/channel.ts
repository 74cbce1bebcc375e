import type { ServiceHealth } from '../../runtime/edge.js';

/** Where an instance listens. */
export interface InstanceAddresses {
  /** `host:port` of its contracts; absent at the edge, which has the front port instead. */
  readonly grpcAddress?: string;
  readonly adminUrl: string;
  /** Of the edge only: the REST port. */
  readonly httpUrl?: string;
  /** Of the edge only: `host:port` of the gRPC front port. */
  readonly frontAddress?: string;
}

/** What an instance tells its supervisor, over the channel between the two processes. */
export type FromInstance =
  | { readonly kind: 'listening'; readonly addresses: InstanceAddresses }
  | { readonly kind: 'health'; readonly health: Pick<ServiceHealth, 'serving' | 'problem'> }
  /** It was asked to stop by somebody else: a replacement may start while it still serves. */
  | { readonly kind: 'leaving' }
  /** It could not start, for a reason that a person can mend: one line. */
  | { readonly kind: 'failed'; readonly line: string };

/** What a supervisor tells an instance. */
export type ToInstance =
  /** Stop now: nobody takes your place. */
  | { readonly kind: 'stop' }
  /** Another serves in your place: leave. */
  | { readonly kind: 'replaced' };

/** Names of the environment variables by which a supervisor tells an instance who it is. */
export const instanceVariables = {
  /** `catalog-1.2`: the second process in the place of the first instance of the catalogue. */
  id: 'MESHMART_INSTANCE',
  /** Where its store is: `sqlite` or `postgres`. */
  store: 'MESHMART_STORE',
} as const;
