/** A product that was bought together with another. */
export interface Companion {
  readonly productId: string;
  /** In how many orders the two were together. */
  readonly orders: number;
}

/** A product and the others of one order. */
export interface Neighbourhood {
  readonly productId: string;
  readonly others: readonly string[];
}

/**
 * What an order teaches: for each of its products the others, each product once, sorted by id. How many pieces were
 * bought does not count, and neither does an order of one product.
 */
export function neighbourhoods(productIds: readonly string[]): Neighbourhood[] {
  const distinct = [...new Set(productIds)].sort();
  if (distinct.length < 2) return [];
  return distinct.map((productId) => ({
    productId,
    others: distinct.filter((other) => other !== productId),
  }));
}

/**
 * The ids to recommend, best first: companions by count (equals by id), then the fillers in their own order. Neither the
 * product itself nor any id twice.
 */
export function rank(
  productId: string,
  companions: readonly Companion[],
  fillers: readonly string[],
  size: number,
): Companion[] {
  const sorted = [...companions].sort(
    (left, right) => right.orders - left.orders || (left.productId < right.productId ? -1 : 1),
  );
  const ranked = new Map<string, Companion>();
  for (const candidate of [...sorted, ...fillers.map((id) => ({ productId: id, orders: 0 }))]) {
    if (candidate.productId !== productId && !ranked.has(candidate.productId)) {
      ranked.set(candidate.productId, candidate);
    }
  }
  return [...ranked.values()].slice(0, size);
}
