import { namespace } from './pods.js';
import { kubectl } from './program.js';

/** A request or a connection as a sidecar noted it, in the format that Istio writes unless told otherwise. */
export interface AccessLine {
  /** `/meshmart.order.v1.OrderService/GetOrder`; `-` for a connection. */
  readonly path: string;
  readonly protocol: string;
  readonly status: string;
  /** What the proxy says of an answer that is its own: `UH` for no pod that is ready, `UF,URX`; `-` for none. */
  readonly flags: string;
  /** Why it is so: `via_upstream`, `jwt_authn_access_denied{Jwt_verification_fails}`. */
  readonly details: string;
  readonly authority: string;
  /** `outbound|50051|stable|order.shop.svc.cluster.local`, `inbound|50051||`, `PassthroughCluster`, `BlackHoleCluster` or `-`. */
  readonly cluster: string;
}

const format =
  /^\[[^\]]*\] "(?<request>[^"]*)" (?<status>\S+) (?<flags>\S+) (?<details>\S+) \S+ "[^"]*" \S+ \S+ \S+ \S+ "[^"]*" "[^"]*" "[^"]*" "(?<authority>[^"]*)" "[^"]*" (?<cluster>\S+) /;

/** What a pod's sidecar has noted so far. @param since an ISO time; default: since it began. */
export async function accessLog(pod: string, since?: string): Promise<AccessLine[]> {
  const from = since === undefined ? [] : [`--since-time=${since}`];
  return parseAccessLog(
    await kubectl(['logs', '--namespace', namespace, pod, '--container', 'istio-proxy', ...from]),
  );
}

/** The lines of a sidecar's log that are about traffic; its own messages are left out. */
export function parseAccessLog(text: string): AccessLine[] {
  return text.split('\n').flatMap((line) => {
    const found = format.exec(line)?.groups;
    if (found === undefined) return [];
    const { request = '', status = '', flags = '', details = '', authority = '', cluster = '' } = found;
    const [, path = '-', protocol = ''] = request.split(' ');
    return [{ path, protocol, status, flags, details, authority, cluster }];
  });
}
