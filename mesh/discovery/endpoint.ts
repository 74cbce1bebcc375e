import { isIP } from 'node:net';
import type { Endpoint, SocketAddress } from './resolver.js';

/** Names of services, as in `services/<name>/`. */
const servicePattern = /^[a-z][a-z0-9-]{0,62}$/;

/** @throws TypeError for what can't be the name of a service's folder. */
export function requireService(name: string): string {
  if (servicePattern.test(name)) return name;
  throw new TypeError(
    `'${name.slice(0, 80)}' is not the name of a service: lower-case letters, digits and hyphens`,
  );
}

/** Why nothing can be dialled there, or undefined when it can. Names are refused: they would be looked up again. */
export function addressProblem({ address, port }: { address: unknown; port: unknown }): string | undefined {
  if (typeof address !== 'string' || isIP(address) === 0) return 'its address is not an IP address';
  if (/^(?:0\.0\.0\.0|255\.255\.255\.255|2(?:2[4-9]|3\d)\..*|[0:]+|ff[0-9a-f]{2}:.*)$/i.test(address))
    return 'its address is not that of one machine';
  if (typeof port !== 'number' || !Number.isInteger(port) || port < 1 || port > 65_535)
    return 'its port is not a number from 1 to 65535';
  return undefined;
}

/** Why an instance can't go by this id, or undefined when it can. */
export function instanceIdProblem(id: unknown): string | undefined {
  return typeof id === 'string' && /^[\x21-\x7e]{1,128}$/.test(id)
    ? undefined
    : 'its id is not one of 1 to 128 printable characters';
}

/** Sorted by instance id; of several with one id the first. */
export function inOrder(endpoints: Iterable<Endpoint>): readonly Endpoint[] {
  const byId = new Map<string, Endpoint>();
  for (const endpoint of endpoints) {
    if (!byId.has(endpoint.instanceId)) byId.set(endpoint.instanceId, endpoint);
  }
  return [...byId.values()].sort((one, other) => (one.instanceId < other.instanceId ? -1 : 1));
}

/** Whether two sorted lists say the same. */
export function sameEndpoints(one: readonly Endpoint[], other: readonly Endpoint[]): boolean {
  return one.length === other.length && one.every((endpoint, index) => same(endpoint, other[index]));
}

function same(one: Endpoint, other: Endpoint | undefined): boolean {
  return (
    one.instanceId === other?.instanceId &&
    sameAddress(one, other) &&
    one.version === other.version &&
    one.zone === other.zone &&
    sameAddress(one.virtual, other.virtual)
  );
}

function sameAddress(one: SocketAddress | undefined, other: SocketAddress | undefined): boolean {
  return one?.address === other?.address && one?.port === other?.port;
}
