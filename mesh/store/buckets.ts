/** How fast tokens come into a bucket, and how many may gather. */
export interface BucketSize {
  readonly tokensPerSecond: number;
  readonly burst: number;
}

/** What taking a token came to. */
export interface BucketTake {
  readonly allowed: boolean;
  /** Milliseconds until there is a token; 0 when allowed. */
  readonly retryAfterMs: number;
}

/** Token buckets that several processes share. */
export interface Buckets {
  /** Takes one token, if there is one. A bucket that is not known is full. @throws MeshError UNAVAILABLE. */
  take(name: string, size: BucketSize): Promise<BucketTake>;
}
