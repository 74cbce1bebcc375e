/** A message between services. */
export interface BusMessage {
  /** Unique among all messages; the consumer's inbox key. */
  readonly id: string;
  /** The publishing service, such as `order`. */
  readonly topic: string;
  /** Full proto name of `data`, such as `meshmart.order.v1.OrderPlaced`. */
  readonly type: string;
  /** Aggregate id: messages of one key reach each group in the order of publishing. */
  readonly key: string;
  readonly data: Uint8Array;
  /** When the publisher committed it (milliseconds since the epoch). */
  readonly occurredAtMs: number;
  /** W3C trace context of the producer. */
  readonly traceparent: string | undefined;
}

/** A message as a consumer gets it. */
export interface Delivery extends BusMessage {
  /** 1 for the first time. More means that it may have been handled before: the inbox decides. */
  readonly attempt: number;
}

/** What a group wants to hear. */
export interface Subscription {
  /** The consuming service; each group gets each message at least once. */
  readonly group: string;
  /** Topics and the message types wanted of each. */
  readonly topics: Readonly<Record<string, readonly string[]>>;
  /** Resolves when the effect is durable: only then is the message acknowledged. A rejection means redelivery. */
  handle(delivery: Delivery): Promise<void>;
}

/** A message that was given up after too many attempts. */
export interface DeadLetter {
  readonly group: string;
  readonly message: BusMessage;
  readonly attempts: number;
  /** Short text of the last failure. */
  readonly lastError: string;
  readonly failedAtMs: number;
}

/** Events between services, at least once, in order for each key, each group on its own. */
export interface Bus {
  /** Resolves when the messages are durable. @throws MeshError UNAVAILABLE when they are not. */
  publish(messages: readonly BusMessage[]): Promise<void>;
  /** Starts delivering. The returned function stops it and resolves when the handlers in flight are done. */
  subscribe(subscription: Subscription): Promise<() => Promise<void>>;
  /** Dead letters of a group, oldest first, at most `limit`. */
  deadLetters(group: string, limit: number): Promise<DeadLetter[]>;
  /** Delivers a dead letter again. @throws MeshError NOT_FOUND when the group has no such dead letter. */
  replay(group: string, messageId: string): Promise<void>;
  /** Messages published and not yet acknowledged by the group. */
  lag(group: string): Promise<number>;
  /** @throws MeshError when the bus does not work. */
  probe(): Promise<void>;
  close(): Promise<void>;
}

/** When to give up on a message. */
export interface RedeliveryPolicy {
  /** Failures that a message is to blame for before it is a dead letter: an outage counts for none. Default 8. */
  readonly maxAttempts: number;
  /** Wait before the second attempt; doubles each time. Default 50. */
  readonly retryBaseDelayMs: number;
  /** Longest wait between attempts. Default 5000. */
  readonly retryMaxDelayMs: number;
}

export const defaultRedelivery: RedeliveryPolicy = Object.freeze({
  maxAttempts: 8,
  retryBaseDelayMs: 50,
  retryMaxDelayMs: 5_000,
});
