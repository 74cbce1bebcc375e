import { stringify } from 'yaml';
import { answersOk, httpUrlOf, loopback, type PortsOf, type ServerKind } from './server-kind.js';

/** Jaeger version 2, with traces in memory: they are for looking at, not for keeping. */
export const jaeger: ServerKind = {
  name: 'jaeger',
  programs: ['jaeger'],
  ways: 'a release of version 2 from jaegertracing.io/download, or docker compose up jaeger',
  addressVariable: 'JAEGER_URL',
  elsewhere: 'OTEL_EXPORTER_OTLP_ENDPOINT',
  ports: [
    { variable: 'JAEGER_PORT', usual: 16686, besides: [-1] },
    { variable: 'OTLP_GRPC_PORT', usual: 4317 },
    { variable: 'OTLP_HTTP_PORT', usual: 4318 },
    { variable: 'JAEGER_THRIFT_PORT', usual: 14268 },
  ],
  launch: ({ folder, port }) => ({
    args: [`--config=file:${folder}/jaeger.yaml`],
    files: { 'jaeger.yaml': stringify(jaegerSettings(port, loopback)) },
    url: `http://${loopback}:${port('JAEGER_PORT')}`,
  }),
  urlOf: (address) => httpUrlOf('JAEGER_URL', address),
  ready: (url, signal) => answersOk(`${url}/api/services`, signal),
  environment: (url, port) => {
    const { hostname } = new URL(url);
    return {
      JAEGER_URL: url,
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://${hostname}:${port('OTLP_HTTP_PORT')}`,
      OTEL_EXPORTER_JAEGER_ENDPOINT: `http://${hostname}:${port('JAEGER_THRIFT_PORT')}/api/traces`,
    };
  },
};

/**
 * The collector's settings; the same in compose.yaml.
 * @param traces so many are kept, the newest. One takes tens of KiB of memory, with the spans of sidecars. Default 20,000.
 */
export function jaegerSettings(port: PortsOf, host: string, traces = 20_000): object {
  const at = (number: number) => ({ endpoint: `${host}:${number}` });
  return {
    service: {
      extensions: ['jaeger_storage', 'jaeger_query'],
      pipelines: { traces: { receivers: ['otlp', 'jaeger'], exporters: ['jaeger_storage_exporter'] } },
      telemetry: { metrics: { level: 'none' }, logs: { level: 'warn' } },
    },
    extensions: {
      jaeger_storage: { backends: { memory: { memory: { max_traces: traces } } } },
      jaeger_query: {
        storage: { traces: 'memory' },
        // Else it sends traces of its own to localhost:4317, whoever that is, and takes 10 s to end when nobody is.
        enable_tracing: false,
        http: at(port('JAEGER_PORT')),
        grpc: at(port('JAEGER_PORT') - 1),
      },
    },
    receivers: {
      otlp: { protocols: { grpc: at(port('OTLP_GRPC_PORT')), http: at(port('OTLP_HTTP_PORT')) } },
      // For @opentelemetry/exporter-jaeger, which speaks Thrift over HTTP.
      jaeger: { protocols: { thrift_http: at(port('JAEGER_THRIFT_PORT')) } },
    },
    exporters: { jaeger_storage_exporter: { trace_storage: 'memory' } },
  };
}
