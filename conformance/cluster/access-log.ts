import { namespace } from './pods.js';
import { kubectl } from './program.js';

/** A request or a connection as a sidecar noted it, in the format that Istio writes unless told otherwise. */
export interface AccessLine {
  /** `/meshmart.order.v1.OrderService/GetOrder`; `-` for a connection. */
  readonly path: string;
  readonly protocol: string;
  readonly status: string;
  readonly authority: string;
  /** `outbound|50051|stable|order.shop.svc.cluster.local`, `inbound|50051||`, `PassthroughCluster`, `BlackHoleCluster` or `-`. */
  readonly cluster: string;
}

const format =
  /^\[[^\]]*\] "(?<request>[^"]*)" (?<status>\S+) \S+ \S+ \S+ "[^"]*" \S+ \S+ \S+ \S+ "[^"]*" "[^"]*" "[^"]*" "(?<authority>[^"]*)" "[^"]*" (?<cluster>\S+) /;

/** What a pod's sidecar has noted so far. */
export async function accessLog(pod: string): Promise<AccessLine[]> {
  return parseAccessLog(await kubectl(['logs', '--namespace', namespace, pod, '--container', 'istio-proxy']));
}

/** The lines of a sidecar's log that are about traffic; its own messages are left out. */
export function parseAccessLog(text: string): AccessLine[] {
  return text.split('\n').flatMap((line) => {
    const found = format.exec(line)?.groups;
    if (found === undefined) return [];
    const { request = '', status = '', authority = '', cluster = '' } = found;
    const [, path = '-', protocol = ''] = request.split(' ');
    return [{ path, protocol, status, authority, cluster }];
  });
}
