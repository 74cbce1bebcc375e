/** A dashboard of Grafana, as small as it can be. */
interface Panel {
  readonly title: string;
  readonly unit: string;
  readonly queries: Readonly<Record<string, string>>;
}

/** What people look at: calls between services, and the processes under them. File name to title and panels. */
const dashboards: Readonly<Record<string, { readonly title: string; readonly panels: readonly Panel[] }>> = {
  calls: {
    title: 'Meshmart: calls',
    panels: [
      {
        title: 'Calls a second, by service',
        unit: 'reqps',
        queries: { '{{service_name}}': 'sum by (service_name) (meshmart:rpc_server:rate1m)' },
      },
      {
        title: "Share that fails by the callee's fault",
        unit: 'percentunit',
        queries: { '{{rpc_method}}': 'meshmart:rpc_server:errors1m > 0' },
      },
      {
        title: 'Half are answered within',
        unit: 's',
        queries: { '{{rpc_method}}': 'topk(10, meshmart:rpc_server:p50_seconds1m)' },
      },
      {
        title: '99 of 100 are answered within',
        unit: 's',
        queries: { '{{rpc_method}}': 'topk(10, meshmart:rpc_server:p99_seconds1m)' },
      },
      {
        title: 'Calls in flight',
        unit: 'short',
        queries: { '{{service_name}}': 'sum by (service_name) (rpc_server_active_calls)' },
      },
      {
        title: 'Answers over REST, by status',
        unit: 'reqps',
        queries: {
          '{{http_response_status_code}}':
            'sum by (http_response_status_code) (rate(http_server_request_duration_seconds_count[1m]))',
        },
      },
      {
        title: 'Breakers that are open',
        unit: 'short',
        queries: { '{{service_name}} to {{callee}}': 'mesh_client_breaker_open > 0' },
      },
      {
        title: 'Dead letters',
        unit: 'short',
        queries: {
          '{{messaging_consumer_group_name}}': 'sum by (messaging_consumer_group_name) (mesh_dead_letters)',
        },
      },
    ],
  },
  processes: {
    title: 'Meshmart: processes',
    panels: [
      { title: 'Memory', unit: 'bytes', queries: { '{{pod}}': 'process_resident_memory_bytes' } },
      { title: 'Processors', unit: 'short', queries: { '{{pod}}': 'rate(process_cpu_seconds_total[1m])' } },
      {
        title: 'Event loop late, 99 of 100',
        unit: 's',
        queries: { '{{pod}}': 'nodejs_eventloop_lag_p99_seconds' },
      },
      {
        title: 'Operations on databases a second',
        unit: 'ops',
        queries: {
          '{{db_namespace}} {{db_operation_name}}':
            'sum by (db_namespace, db_operation_name) (rate(db_client_operation_duration_seconds_count[1m]))',
        },
      },
      {
        title: 'Messages handled a second',
        unit: 'ops',
        queries: {
          '{{messaging_consumer_group_name}}':
            'sum by (messaging_consumer_group_name) (rate(messaging_process_duration_seconds_count[1m]))',
        },
      },
      {
        title: 'Versions',
        unit: 'short',
        queries: { '{{version}}': 'count by (version) (meshmart_build_info)' },
      },
    ],
  },
};

/** Path below helm/ to text. */
export function dashboardFiles(): (readonly [string, string])[] {
  return Object.entries(dashboards).map(([name, { title, panels }]) => [
    `shop/dashboards/${name}.json`,
    `${JSON.stringify(dashboardOf(name, title, panels), null, 2)}\n`,
  ]);
}

/** Every query of every dashboard. */
export function dashboardQueries(): readonly string[] {
  return Object.values(dashboards).flatMap(({ panels }) =>
    panels.flatMap(({ queries }) => Object.values(queries)),
  );
}

function dashboardOf(name: string, title: string, panels: readonly Panel[]): object {
  return {
    uid: `meshmart-${name}`,
    title,
    tags: ['meshmart'],
    schemaVersion: 39,
    refresh: '10s',
    time: { from: 'now-15m', to: 'now' },
    panels: panels.map((panel, index) => ({
      id: index + 1,
      type: 'timeseries',
      title: panel.title,
      gridPos: { h: 8, w: 12, x: (index % 2) * 12, y: Math.floor(index / 2) * 8 },
      datasource: { type: 'prometheus', uid: 'prometheus' },
      fieldConfig: { defaults: { unit: panel.unit, min: 0 }, overrides: [] },
      targets: Object.entries(panel.queries).map(([legendFormat, expr], at) => ({
        refId: String.fromCharCode(65 + at),
        expr,
        legendFormat,
      })),
    })),
  };
}
