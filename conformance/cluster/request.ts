/** A request as a customer saw it. */
export interface Request {
  /** `GET /v1/products`, or what a buyer did: `placeOrder`. */
  readonly what: string;
  /** On the monotonic clock. */
  readonly startedMs: number;
  readonly endedMs: number;
  /** Why it failed; undefined when it went well. */
  readonly problem: string | undefined;
  /** The parts that it was answered without, as the answer's `x-degraded` has it; undefined when it was whole. */
  readonly degraded: string | undefined;
}
