/** A figure with its spread. */
export interface Spread {
  readonly count: number;
  readonly min: number;
  readonly median: number;
  readonly p99: number;
  readonly max: number;
}

/** Median, extremes and the 99th percentile (nearest rank) of some figures. @throws RangeError for none. */
export function spreadOf(figures: readonly number[]): Spread {
  if (figures.length === 0) throw new RangeError('no figures to tell the spread of');
  const sorted = [...figures].sort((left, right) => left - right);
  const rank = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))] as number;
  return { count: sorted.length, min: rank(0), median: rank(0.5), p99: rank(0.99), max: rank(1) };
}
