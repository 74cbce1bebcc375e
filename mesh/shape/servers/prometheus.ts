import { stringify } from 'yaml';
import { recordingRules } from './recording-rules.js';
import { answersOk, httpUrlOf, loopback, type ServerKind } from './server-kind.js';

/** Prometheus, which asks the supervisor whom to scrape; that reads it from Consul. */
export const prometheus: ServerKind = {
  name: 'prometheus',
  programs: ['prometheus'],
  ways: 'apt install prometheus, or brew install prometheus, or docker compose up prometheus',
  addressVariable: 'PROMETHEUS_URL',
  ports: [{ variable: 'PROMETHEUS_PORT', usual: 9090 }],
  launch: ({ folder, data, port, environment }) => ({
    args: [
      `--config.file=${folder}/prometheus.yaml`,
      `--storage.tsdb.path=${data}`,
      '--storage.tsdb.retention.time=1d',
      '--storage.tsdb.retention.size=256MB',
      `--web.listen-address=${loopback}:${port('PROMETHEUS_PORT')}`,
      '--log.level=warn',
    ],
    files: {
      'prometheus.yaml': stringify(prometheusSettings(environment['SCRAPE_TARGETS_URL'] ?? '')),
      'rules.yaml': stringify(recordingRules()),
    },
    url: `http://${loopback}:${port('PROMETHEUS_PORT')}`,
  }),
  urlOf: (address) => httpUrlOf('PROMETHEUS_URL', address),
  ready: (url, signal) => answersOk(`${url}/-/ready`, signal),
  environment: (url) => ({ PROMETHEUS_URL: url }),
};

/**
 * @param targetsUrl the page of the supervisor's admin port that lists what is registered in Consul. Prometheus' own
 * Consul discovery would do the same, but Debian builds it without.
 */
export function prometheusSettings(targetsUrl: string): object {
  return {
    global: { scrape_interval: '2s', scrape_timeout: '2s', evaluation_interval: '2s' },
    rule_files: ['rules.yaml'],
    scrape_configs: [
      { job_name: 'meshmart', http_sd_configs: [{ url: targetsUrl, refresh_interval: '2s' }] },
    ],
  };
}
