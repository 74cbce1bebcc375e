import { type AccessLine, accessLog } from './access-log.js';
import { podsOf } from './pods.js';

/**
 * What the shop's sidecars have noted of traffic that nobody has routed: to what a service has not declared, or past the mesh.
 * @throws Error when a pod has no sidecar that should have one: what it sends is noted nowhere.
 */
export async function astray(): Promise<AccessLine[]> {
  const pods = (await podsOf('app.kubernetes.io/part-of=meshmart')).filter(
    ({ metadata }) => !['edge', 'prometheus'].includes(metadata.labels['app'] ?? ''),
  );
  const without = pods.filter(({ spec }) => !spec.initContainers?.some(({ name }) => name === 'istio-proxy'));
  if (pods.length === 0 || without.length > 0)
    throw new Error(`no sidecar: ${without.map(({ metadata }) => metadata.name).join(', ') || 'no pod'}`);
  const logs = await Promise.all(pods.map(({ metadata }) => accessLog(metadata.name)));
  const strays = logs.flat().filter(({ cluster }) => !/^(inbound|outbound)\|/.test(cluster));
  // What others have tried on it, in plain text, is not its own.
  return strays.filter(({ details }) => details !== 'filter_chain_not_found');
}
