/** A seed that once failed. It stays here when what it found is mended. */
export interface Regression {
  readonly seed: number;
  readonly orders: number;
  readonly faults: number;
  /** What it found. */
  readonly about: string;
}

/** Seeds are of their time: a change of the simulation makes other runs of them, and they stay as good tests as any. */
export const regressions: readonly Regression[] = [
  {
    seed: 27,
    orders: 100,
    faults: 200,
    about: 'a processor without idempotency keys held money twice after a proxy had repeated a request',
  },
];
