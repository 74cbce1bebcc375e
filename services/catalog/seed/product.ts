import type { Motif } from '../picture/motif.js';

/** A product as the seed catalogue lists it. */
export interface SeedProduct {
  /** Readable and never reused: `prd_` and words with hyphens. */
  readonly id: string;
  readonly name: string;
  /** Two or three sentences. */
  readonly description: string;
  /** Price of one piece in cents of a euro. */
  readonly cents: number;
  /** Weight of one piece with its packing, in grams. */
  readonly weightGrams: number;
  /** Words that it is found by and that its name does not hold. */
  readonly tags: readonly string[];
  /** What its picture shows. */
  readonly motif: Motif;
}

/** A category with its products, in the order in which the shop shows them. */
export interface SeedCategory {
  readonly id: string;
  readonly name: string;
  readonly products: readonly SeedProduct[];
}
