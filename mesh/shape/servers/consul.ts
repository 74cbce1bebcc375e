import { consulUrl } from '../../discovery/consul-client.js';
import { loopback, type ServerKind } from './server-kind.js';

/**
 * Consul as one server whose state survives: not `-dev`, which forgets everything. Its other ports follow the usual
 * distance from the HTTP port: 8500, 8300 (between servers), 8301 (gossip).
 */
export const consul: ServerKind = {
  name: 'consul',
  programs: ['consul'],
  ways: 'brew install consul, or a release from developer.hashicorp.com/consul/install, or docker compose up consul',
  addressVariable: 'CONSUL_HTTP_ADDR',
  ports: [{ variable: 'CONSUL_PORT', usual: 8500, besides: [-200, -199] }],
  launch: ({ folder, data, port }) => {
    const http = port('CONSUL_PORT');
    return {
      args: ['agent', `-config-file=${folder}/consul.json`, `-data-dir=${data}`],
      files: { 'consul.json': `${JSON.stringify(consulSettings(http), null, 2)}\n` },
      url: `http://${loopback}:${http}`,
    };
  },
  urlOf: (address) => consulUrl(address).href.replace(/\/$/, ''),
  ready: async (url, signal) => {
    const answer = await fetch(`${url}/v1/status/leader`, { signal });
    return answer.ok && (await answer.json()) !== '';
  },
  environment: (url) => ({ CONSUL_HTTP_ADDR: url }),
};

/** The agent's settings; the same in compose.yaml. */
export function consulSettings(httpPort: number): object {
  return {
    server: true,
    bootstrap_expect: 1,
    bind_addr: loopback,
    client_addr: loopback,
    ui_config: { enabled: true },
    ports: {
      http: httpPort,
      server: httpPort - 200,
      serf_lan: httpPort - 199,
      serf_wan: -1,
      dns: -1,
      grpc: -1,
      grpc_tls: -1,
    },
    // The quickest timing of its raft, as for production; the default is meant for tiny machines.
    performance: { raft_multiplier: 1 },
    leave_on_terminate: false,
    skip_leave_on_interrupt: true,
    disable_update_check: true,
    // A check's new output is told at once, not after five minutes.
    check_update_interval: '0s',
    log_level: 'warn',
  };
}
