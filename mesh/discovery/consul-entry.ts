import { addressProblem, instanceIdProblem } from './endpoint.js';
import type { Endpoint, SocketAddress } from './resolver.js';

/** What was read of one entry of Consul's health endpoint. */
export type ReadEntry =
  | { readonly endpoint: Endpoint; readonly problem?: undefined }
  | { readonly endpoint?: undefined; readonly problem: string; readonly instanceId: string };

/** A service has no more instances than this; what comes after them is not read. */
export const maxInstances = 1_000;

/**
 * Reads one entry of `/v1/health/service/<service>`. It is what anybody wrote who could reach the registry: nothing in it
 * is taken unchecked.
 */
export function readEntry(service: string, entry: unknown): ReadEntry {
  const registered = part(entry, 'Service');
  const instanceId = registered['ID'];
  const bad = (problem: string): ReadEntry => ({
    problem,
    instanceId: String(typeof instanceId === 'string' ? instanceId : '').slice(0, 128),
  });
  const idProblem = instanceIdProblem(instanceId);
  if (idProblem !== undefined) return bad(idProblem);
  if (registered['Service'] !== service) return bad('it is registered for another service');
  const address = registered['Address'] || part(entry, 'Node')['Address'];
  const place = { address, port: registered['Port'] };
  const problem = addressProblem(place);
  if (problem !== undefined) return bad(problem);
  const virtual = part(part(registered, 'TaggedAddresses'), 'virtual');
  const virtualPlace = { address: virtual['Address'], port: virtual['Port'] };
  const hasVirtual = virtualPlace.address !== undefined;
  const virtualProblem = hasVirtual ? addressProblem(virtualPlace) : undefined;
  if (virtualProblem !== undefined) return bad(`of its virtual address: ${virtualProblem}`);
  const meta = part(registered, 'Meta');
  const zone = word(meta['zone']);
  return {
    endpoint: {
      instanceId: instanceId as string,
      ...(place as SocketAddress),
      version: word(meta['version']),
      ...(zone === '' ? {} : { zone }),
      ...(hasVirtual ? { virtual: virtualPlace as SocketAddress } : {}),
    },
  };
}

function part(value: unknown, name: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return {};
  const found = Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined;
  return typeof found === 'object' && found !== null ? (found as Record<string, unknown>) : {};
}

/** A short word of printable characters, or nothing. */
function word(value: unknown): string {
  return typeof value === 'string' && /^[\x21-\x7e]{1,64}$/.test(value) ? value : '';
}
