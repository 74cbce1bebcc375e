import { stringify } from 'yaml';
import { consulSettings } from '../../mesh/shape/servers/consul.js';
import { jaeger, jaegerSettings } from '../../mesh/shape/servers/jaeger.js';
import { postgresSettings } from '../../mesh/shape/servers/postgres.js';
import { recordingRules } from '../../mesh/shape/servers/recording-rules.js';
import { redisArguments } from '../../mesh/shape/servers/redis.js';

const everywhere = '0.0.0.0';

/**
 * Configuration of the servers beside the shop: what `meshmart up` gives them, but that they listen to the pod's network.
 * Path below helm/ to text.
 */
export function serverFiles(): (readonly [string, string])[] {
  return [
    ['shop/servers/consul.json', consulFile()],
    ['shop/servers/redis.conf', redisFile()],
    ['shop/servers/postgresql.conf', postgresFile()],
    ['shop/servers/jaeger.yaml', stringify(jaegerSettings(usualJaegerPort, everywhere, jaegerTraces))],
    ['shop/servers/prometheus.yaml', prometheusFile()],
    ['shop/servers/prometheus-rules.yaml', stringify(recordingRules(), { lineWidth: 0 })],
  ];
}

/**
 * Clients reach it over the pod's network; raft and gossip stay on loopback, since it is the only server: nobody can join, and
 * its own address is the same in each life of the pod.
 */
function consulFile(): string {
  return `${JSON.stringify({ ...consulSettings(8500), client_addr: everywhere, node_name: 'consul' }, null, 2)}\n`;
}

/** The same settings as arguments: `--name value` becomes `name value`. */
function redisFile(): string {
  const words = redisArguments(6379);
  const settings = new Map<string, string>();
  for (let index = 0; index < words.length; index += 2)
    settings.set((words[index] ?? '').replace('--', ''), words[index + 1] ?? '');
  settings.set('bind', everywhere);
  // Users and passwords are in the ACL file; the mode would ask for a password of the user that is off.
  settings.set('protected-mode', 'no');
  settings.set('dir', '/data');
  settings.set('aclfile', '/etc/meshmart-users/users.acl');
  return [...settings].map(([name, value]) => `${name} ${value === '' ? '""' : value}\n`).join('');
}

function postgresFile(): string {
  return `${postgresSettings(5432, 'linux').replace(/listen_addresses = '[^']*'/, "listen_addresses = '*'")}hba_file = '/etc/meshmart/pg_hba.conf'\n`;
}

/** What fits into the memory that the chart gives to Jaeger. */
const jaegerTraces = 3_000;

function usualJaegerPort(variable: string): number {
  return jaeger.ports.find((port) => port.variable === variable)?.usual ?? 0;
}

/**
 * Finds pods by the API server and asks those that say so. Istio's injector points the annotations of a pod with a sidecar at
 * the pod's agent, which gives out the program's metrics with its own. NAMESPACE is put in by the chart.
 */
function prometheusFile(): string {
  const role = { role: 'pod', namespaces: { names: ['NAMESPACE'] } };
  const annotation = (name: string) => `__meta_kubernetes_pod_annotation_prometheus_io_${name}`;
  return stringify({
    global: { scrape_interval: '5s', scrape_timeout: '4s', evaluation_interval: '5s' },
    rule_files: ['rules.yaml'],
    scrape_configs: [
      {
        job_name: 'meshmart',
        kubernetes_sd_configs: [role],
        relabel_configs: [
          { source_labels: [annotation('scrape')], regex: 'true', action: 'keep' },
          { source_labels: ['__meta_kubernetes_pod_phase'], regex: 'Running', action: 'keep' },
          { source_labels: [annotation('path')], regex: '(.+)', target_label: '__metrics_path__' },
          {
            source_labels: ['__meta_kubernetes_pod_ip', annotation('port')],
            separator: ':',
            target_label: '__address__',
          },
          { source_labels: ['__meta_kubernetes_pod_label_app'], target_label: 'service' },
          { source_labels: ['__meta_kubernetes_pod_name'], target_label: 'pod' },
          // A pod with several containers is one target.
          {
            source_labels: ['__meta_kubernetes_pod_container_name'],
            target_label: '__meta_kubernetes_pod_label_app',
            action: 'keepequal',
          },
          // And a container with several ports, too.
          { source_labels: ['__meta_kubernetes_pod_container_port_name'], regex: 'admin', action: 'keep' },
        ],
      },
    ],
  });
}
