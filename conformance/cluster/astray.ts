import { type AccessLine, accessLog } from './access-log.js';
import { podsOf } from './pods.js';

/**
 * What the shop's sidecars have noted of traffic that nobody has routed: past the mesh, or to what a service has not declared.
 * @throws Error when there are fewer sidecars than services.
 */
export async function astray(): Promise<AccessLine[]> {
  const pods = (await podsOf('app.kubernetes.io/part-of=meshmart')).filter(({ spec }) =>
    spec.initContainers?.some(({ name }) => name === 'istio-proxy'),
  );
  if (pods.length <= 10) throw new Error(`only ${pods.length} pods have a sidecar`);
  const logs = await Promise.all(pods.map(({ metadata }) => accessLog(metadata.name)));
  const strays = logs.flat().filter(({ cluster }) => !/^(inbound|outbound)\|/.test(cluster));
  // What others have tried on it, in plain text, is not its own.
  return strays.filter(({ details }) => details !== 'filter_chain_not_found');
}
