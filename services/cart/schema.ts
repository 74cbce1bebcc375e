/** The cart has no tables of its own: carts are documents. A released step never changes. */
export const schema: readonly string[] = [];
