import type { OrderView } from './shop-client.js';

/** One call as its client saw it. */
export interface Attempt {
  readonly startedMs: number;
  readonly endedMs: number;
  /** `info`: no answer, so nobody knows. Never counted as failed. */
  readonly outcome: 'ok' | 'fail' | 'info';
  /** Reason of the contract when it is not `ok`. */
  readonly reason: string;
  /** The answer's bytes. */
  readonly bytes: string;
}

/** What an order looked like to its buyer at some moment. */
export interface Sighting {
  readonly atMs: number;
  readonly state: string;
  readonly version: number;
}

/** One purchase as its buyer saw it, from the cart to the order's end. */
export interface Purchase {
  readonly user: string;
  readonly key: string;
  /** What the buyer put into the cart for it, and saw in it before ordering. */
  readonly wanted: readonly { readonly productId: string; readonly quantity: number }[];
  readonly attempts: Attempt[];
  /** Set by the first answer: from then on the shop has promised the order. */
  orderId: string | undefined;
  /** The reason of a definite refusal: then there must be no order. */
  refused: string | undefined;
  cancelled: boolean;
  readonly sightings: Sighting[];
  /** The order as it was last seen. */
  last: OrderView | undefined;
}

/** What a violation calls a purchase: the keys of two buyers may be the same text. */
export function nameOf({ user, key }: Pick<Purchase, 'user' | 'key'>): string {
  return `${user} ${key}`;
}
