import { inNamespace, pods, type Rule, type Surroundings, tcp } from './surroundings.js';

/** The port on which pods tell of themselves: under a sidecar the agent's, which mTLS leaves alone. */
export const toldAt = ({ dataPlane }: Surroundings): number => (dataPlane === 'sidecar' ? 15020 : 9464);

/** The NetworkPolicies of what watches over the shop, where the release has it: Prometheus, Grafana, the autoscaler. */
export function declaredWatchers(around: Surroundings, dns: Rule): Record<string, Rule> {
  const policyTypes = ['Ingress', 'Egress'];
  const ours = { podSelector: { matchLabels: { 'app.kubernetes.io/part-of': 'meshmart' } } };
  // The API server has no pod to name.
  const asks = [dns, { ports: tcp(443, 6443) }, { to: [ours], ports: tcp(toldAt(around)) }];
  const jaeger = { ...pods('jaeger'), ...inNamespace(around.jaegerNamespace ?? '') };
  return {
    prometheus: {
      ...pods('prometheus'),
      policyTypes,
      ingress: [{ from: [pods('grafana')], ports: tcp(9090) }],
      egress: asks,
    },
    grafana: {
      ...pods('grafana'),
      policyTypes,
      egress: [dns, { to: [pods('prometheus')], ports: tcp(9090) }, { to: [jaeger], ports: tcp(16686) }],
    },
    autoscaler: {
      ...pods('autoscaler'),
      policyTypes,
      ingress: [{ ports: tcp(6443) }, { from: [inNamespace('keda')], ports: tcp(50061) }],
      egress: asks,
    },
  };
}
