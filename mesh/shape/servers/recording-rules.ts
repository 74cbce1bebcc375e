/**
 * Rate, errors and duration (RED) of each method, as recording rules: what a dashboard or an alert asks for, computed
 * once. Names follow `level:metric:operation` (https://prometheus.io/docs/practices/rules/).
 *
 * - `meshmart:rpc_server:rate1m` calls a second
 * - `meshmart:rpc_server:errors1m` share of calls that failed by the callee's fault, 0 to 1
 * - `meshmart:rpc_server:p50_seconds1m`, `meshmart:rpc_server:p99_seconds1m`
 */
export function recordingRules(): object {
  const by = 'service_name, rpc_method';
  const metric = 'rpc_server_call_duration_seconds';
  const rate = (selector = '') => `sum by (${by}) (rate(${metric}_count${selector}[1m]))`;
  const quantile = (share: number) =>
    `histogram_quantile(${share}, sum by (le, ${by}) (rate(${metric}_bucket[1m])))`;
  const failed = `{rpc_response_status_code=~"${failureCodes.join('|')}"}`;
  return {
    groups: [
      {
        name: 'meshmart-red',
        interval: '2s',
        rules: [
          { record: 'meshmart:rpc_server:rate1m', expr: rate() },
          // A method without any failure has no series of failures: that is a share of 0, not nothing.
          {
            record: 'meshmart:rpc_server:errors1m',
            expr: `(${rate(failed)} or 0 * ${rate()}) / (${rate()} > 0)`,
          },
          { record: 'meshmart:rpc_server:p50_seconds1m', expr: quantile(0.5) },
          { record: 'meshmart:rpc_server:p99_seconds1m', expr: quantile(0.99) },
        ],
      },
    ],
  };
}

/** Codes that are the callee's fault; a wrong request is the caller's. */
const failureCodes = [
  'UNAVAILABLE',
  'INTERNAL',
  'UNKNOWN',
  'DEADLINE_EXCEEDED',
  'RESOURCE_EXHAUSTED',
  'DATA_LOSS',
];
