/** The trust domain of the shop's certificates; in a cluster Istio's takes its place. */
const trustDomain = 'meshmart.local';

const serviceName = /^[a-z][a-z0-9-]{0,62}$/;

/**
 * The name of a service in its certificate: `spiffe://meshmart.local/service/<service>`
 * (https://github.com/spiffe/spiffe/blob/main/standards/SPIFFE-ID.md).
 * @param service folder name, such as `catalog`.
 * @throws RangeError for a name that no service may have.
 */
export function spiffeIdOf(service: string): string {
  if (!isServiceName(service)) throw new RangeError(`'${service}' can't be the name of a service`);
  return `spiffe://${trustDomain}/service/${service}`;
}

/**
 * The service that a certificate names, or undefined when it names none, or several things at once: the standard allows
 * one URI (https://github.com/spiffe/spiffe/blob/main/standards/X509-SVID.md, section 2).
 * @param subjectAltName as Node's TLS gives it: `URI:spiffe://..., DNS:catalog, IP Address:127.0.0.1`.
 */
export function serviceOfCertificate(subjectAltName: string | undefined): string | undefined {
  // Node puts a name between quotes when it holds a comma or worse; no name of ours does, so nothing in quotes is read.
  if (subjectAltName === undefined || subjectAltName.includes('"')) return undefined;
  const uris = subjectAltName.split(', ').filter((name) => name.startsWith('URI:'));
  const [uri = ''] = uris;
  const prefix = `URI:spiffe://${trustDomain}/service/`;
  if (uris.length !== 1 || !uri.startsWith(prefix)) return undefined;
  const service = uri.slice(prefix.length);
  return isServiceName(service) ? service : undefined;
}

/** `outside` is what clients of a front port are called: a service of that name would be one of them. */
function isServiceName(name: string): boolean {
  return serviceName.test(name) && name !== 'outside';
}
