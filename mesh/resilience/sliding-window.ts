/** How a {@link SlidingWindow} is cut. */
export interface SlidingWindowOptions {
  /** How far back it reaches, in milliseconds. */
  readonly windowMs: number;
  /** In how many steps it forgets. */
  readonly buckets: number;
}

/** What happened within a window. */
export interface WindowTotals {
  readonly requests: number;
  readonly accepts: number;
}

/** Requests and accepts of the last while, in a memory that never grows. */
export interface SlidingWindow {
  add(nowMs: number, requests: number, accepts: number): void;
  totals(nowMs: number): WindowTotals;
  clear(): void;
}

/** Makes an empty window. Times are those of one monotonic clock. @throws RangeError for a window of no length. */
export function createSlidingWindow({ windowMs, buckets }: SlidingWindowOptions): SlidingWindow {
  if (!(windowMs > 0) || !Number.isInteger(buckets) || buckets < 1)
    throw new RangeError(`a window of ${windowMs} ms in ${buckets} buckets: both must be above 0`);
  const bucketMs = windowMs / buckets;
  const requestsOf = new Float64Array(buckets);
  const acceptsOf = new Float64Array(buckets);
  let requests = 0;
  let accepts = 0;
  /** Number of the newest bucket since the clock's beginning. */
  let newest = 0;

  const moveTo = (nowMs: number) => {
    const current = Math.floor(nowMs / bucketMs);
    const from = Math.max(newest + 1, current - buckets + 1);
    for (let number = from; number <= current; number += 1) {
      const slot = number % buckets;
      requests -= requestsOf[slot] ?? 0;
      accepts -= acceptsOf[slot] ?? 0;
      requestsOf[slot] = 0;
      acceptsOf[slot] = 0;
    }
    newest = current;
  };

  return {
    add: (nowMs, addedRequests, addedAccepts) => {
      moveTo(nowMs);
      const slot = newest % buckets;
      requestsOf[slot] = (requestsOf[slot] ?? 0) + addedRequests;
      acceptsOf[slot] = (acceptsOf[slot] ?? 0) + addedAccepts;
      requests += addedRequests;
      accepts += addedAccepts;
    },
    totals: (nowMs) => {
      moveTo(nowMs);
      return { requests, accepts };
    },
    clear: () => {
      requestsOf.fill(0);
      acceptsOf.fill(0);
      requests = 0;
      accepts = 0;
    },
  };
}
