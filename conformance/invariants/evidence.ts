import type { LedgerEntry } from '../../witnesses/card-processor/ledger.js';
import type { Purchase } from '../workload/history.js';
import type { BoughtLine, OrderView } from '../workload/shop-client.js';

/** All that a verdict rests on: what clients saw, the card processor's ledger, the mail sink and the public API. */
export interface Evidence {
  readonly purchases: readonly Purchase[];
  /** Every order of every buyer, as the public API shows it after all faults are healed. */
  readonly orders: readonly (OrderView & { readonly user: string })[];
  /** What is left in carts, by buyer. */
  readonly carts: ReadonlyMap<string, readonly BoughtLine[]>;
  readonly ledger: readonly LedgerEntry[];
  readonly mails: readonly { readonly messageId: string; readonly subject: string; readonly text: string }[];
  readonly stockBefore: ReadonlyMap<string, number>;
  readonly stock: readonly StockFigure[];
  /** A rush of many buyers for few pieces, if there was one. */
  readonly sale?: FlashSale;
}

/** More buyers than pieces, each wanting one. */
export interface FlashSale {
  readonly productId: string;
  readonly pieces: number;
  /** Keys of its purchases. */
  readonly keys: ReadonlySet<string>;
}

/** Pieces of a product, as inventory tells. */
export interface StockFigure {
  readonly productId: string;
  readonly available: number;
  readonly reserved: number;
  readonly committed: number;
}

/** Something that must not be. */
export interface Violation {
  /** `I2`, as docs/reliability.md numbers them. */
  readonly invariant: string;
  /** The order, the product or the key that it is about. */
  readonly subject: string;
  readonly message: string;
}
