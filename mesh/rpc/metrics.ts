/** What the interceptors count. The telemetry room implements it. */
export interface RpcMetrics {
  /** One call has ended. `code` is a gRPC status name, `OK` included. */
  observe(side: 'client' | 'server', path: string, code: string, seconds: number): void;
  /** A call begins (+1) or ends (-1). */
  inFlight(side: 'client' | 'server', path: string, change: 1 | -1): void;
}
