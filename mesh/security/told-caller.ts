import { MeshError } from '../contract/error.js';

/** All values that a call's metadata has for a name, in their order. */
export type MetadataValues = (name: string) => readonly string[];

/** Who calls, by what the call's metadata says. @throws MeshError UNAUTHENTICATED when it says nobody. */
export type ToldCaller = (values: MetadataValues) => string;

/** The metadata in which a caller names itself where nobody proves it. Taken away from clients at the front ports. */
export const callerHeader = 'x-mesh-caller';

/** What a proxy writes that has checked the caller's certificate: https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_conn_man/headers#x-forwarded-client-cert */
const certificateHeader = 'x-forwarded-client-cert';

const serviceName = /^[a-z][a-z0-9-]{0,62}$/;

/**
 * Callers as the mesh's proxy tells them. It must stand before every connection: whoever reaches the port without it can say
 * anything. It appends to what the caller has sent, so only the last element is its own.
 * @param prefix what identities of the shop's own services begin with: `spiffe://cluster.local/ns/shop/sa/`. Those of others
 * are nobody.
 * @throws TypeError for a prefix that is none.
 */
export function callerByMesh(prefix: string): ToldCaller {
  if (!/^spiffe:\/\/[^/]+\/.+\/$/.test(prefix))
    throw new TypeError(`'${prefix}' is not the beginning of an identity`);
  return (values) => {
    const uris = lastElement(values(certificateHeader).join(',')).filter(
      ([key]) => key.toLowerCase() === 'uri',
    );
    const [uri] = uris.map(([, value]) => value);
    const service = uris.length === 1 && uri?.startsWith(prefix) ? uri.slice(prefix.length) : '';
    if (serviceName.test(service)) return service;
    throw unknownCaller('the mesh names no service of this shop as the caller');
  };
}

/** Callers as they name themselves: where there is no mesh, and the network alone decides who can connect. */
export const callerByName: ToldCaller = (values) => {
  const [service = '', ...more] = values(callerHeader);
  if (more.length === 0 && serviceName.test(service) && service !== 'outside') return service;
  throw unknownCaller(`the call does not say in ${callerHeader} which service makes it`);
};

function unknownCaller(message: string): MeshError {
  return new MeshError({ code: 'UNAUTHENTICATED', reason: 'CALLER_UNKNOWN', message });
}

/** The pairs of the last element of a list such as `By=a;URI=b,By=c;Subject="x, y";URI=d`. Nothing of what is not closed. */
function lastElement(text: string): (readonly [string, string])[] {
  let pairs: (readonly [string, string])[] = [];
  let key: string | undefined;
  let word = '';
  let quoted = false;
  const endPair = () => {
    if (key !== undefined) pairs.push([key.trim(), word]);
    key = undefined;
    word = '';
  };
  for (let index = 0; index < text.length; index += 1) {
    const sign = text[index] ?? '';
    if (quoted && sign === '\\') {
      index += 1;
      word += text[index] ?? '';
    } else if (sign === '"') quoted = !quoted;
    else if (quoted) word += sign;
    else if (sign === '=' && key === undefined) {
      key = word;
      word = '';
    } else if (sign === ';') endPair();
    else if (sign === ',') {
      endPair();
      pairs = [];
    } else word += sign;
  }
  endPair();
  return quoted ? [] : pairs;
}
