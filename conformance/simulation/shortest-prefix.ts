/** The beginning of a run. */
export interface Prefix {
  /** Purchases that are started; later ones are left out. */
  readonly orders: number;
  /** Faults that strike; later ones don't. */
  readonly faults: number;
}

/**
 * Finds a short beginning of a run that still fails: first the fewest faults by bisection, then the fewest orders. A run
 * with fewer of them is not always the beginning of the longer one, so it is the shortest that was found, not the shortest
 * there is.
 * @param fails runs a prefix.
 */
export async function shortestPrefix(
  whole: Prefix,
  fails: (prefix: Prefix) => Promise<boolean>,
): Promise<Prefix> {
  const faults = await fewest(whole.faults, 0, (count) => fails({ ...whole, faults: count }));
  const orders = await fewest(whole.orders, 1, (count) => fails({ orders: count, faults }));
  return { orders, faults };
}

/** The smallest count from `least` on that fails, by bisection; `most` is known to. */
async function fewest(
  most: number,
  least: number,
  fails: (count: number) => Promise<boolean>,
): Promise<number> {
  let low = least;
  let high = most;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (await fails(middle)) high = middle;
    else low = middle + 1;
  }
  return high;
}
