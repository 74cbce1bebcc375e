/** Where one instance of a service answers. */
export interface Endpoint {
  /** Unique among the instances of the service. */
  readonly instanceId: string;
  /** IPv4 or IPv6 address, without brackets. */
  readonly address: string;
  /** 1 to 65535. */
  readonly port: number;
  /** Release of the service, or empty. */
  readonly version: string;
  /** Failure zone that the instance runs in. */
  readonly zone?: string;
  /** Address that stands for all instances of the service, where there is one: Kubernetes' cluster IP. */
  readonly virtual?: SocketAddress;
}

/** An IP address with a port. */
export interface SocketAddress {
  readonly address: string;
  readonly port: number;
}

/** Told of the endpoints of a service, sorted by instance id. */
export type EndpointListener = (endpoints: readonly Endpoint[]) => void;

/**
 * Knows where services are. Static, DNS and Consul are the three kinds; `contract-suite.ts` holds them to what is said
 * here:
 *
 * - The listener is never called from within `watch`, and not once after its `stop`.
 * - It is told the first list, and then each change once: never the same list twice in a row.
 * - While the source of the lists is away, the last good list stands; also for those who begin to watch meanwhile.
 * - An empty list is told at once to those who have had none yet. After a good list it is believed only when the source
 *   has said it steadily for a grace period. The same period protects single instances after the source was away: one
 *   that is missing then may only not have registered again yet.
 * - Entries that can't be dialled are left out, and told of in the log.
 */
export interface Resolver {
  /** Watches a service by its folder name; the returned function ends it. */
  watch(service: string, listener: EndpointListener): () => void;
  /** Ends all watching. */
  close(): void;
}
