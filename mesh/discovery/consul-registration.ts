import { addressProblem, instanceIdProblem, requireService } from './endpoint.js';
import type { InstanceHealth, Registration } from './registry.js';

/** Consul takes out what has been critical for so long; a minute is the least that it allows. */
const deregisterAfter = '1m';

/** Id of the one check that an instance has. */
export function checkIdOf(instanceId: string): string {
  return `${instanceId}:alive`;
}

/** @throws TypeError for what Consul would refuse, or clients leave out. */
export function requireRegistration(registration: Registration): void {
  const { service, instanceId, meta, virtual } = registration;
  requireService(service);
  const places = virtual === undefined ? [registration] : [registration, virtual];
  const problem =
    instanceIdProblem(instanceId) ?? places.map(addressProblem).find((found) => found !== undefined);
  if (problem !== undefined) throw new TypeError(`${service} can't be registered: ${problem}`);
  const wrong = Object.entries(meta).find(
    ([name, value]) => !/^[A-Za-z0-9_-]{1,128}$/.test(name) || value.length > 512,
  );
  if (wrong !== undefined)
    throw new TypeError(`${service} can't be registered: meta ${wrong[0]} is not allowed`);
}

/**
 * The body of `PUT /v1/agent/service/register`. The check begins as the instance is, so that it is in the lists from the
 * first moment.
 */
export function registrationBody(registration: Registration, health: InstanceHealth, ttlMs: number): object {
  const { service, instanceId, address, port, tags = [], meta, virtual } = registration;
  return {
    ID: instanceId,
    Name: service,
    Address: address,
    Port: port,
    Tags: tags,
    Meta: meta,
    ...(virtual === undefined
      ? {}
      : { TaggedAddresses: { virtual: { Address: virtual.address, Port: virtual.port } } }),
    Check: {
      CheckID: checkIdOf(instanceId),
      Name: `${instanceId} says that it serves`,
      TTL: `${ttlMs}ms`,
      Status: health.serving ? 'passing' : 'critical',
      DeregisterCriticalServiceAfter: deregisterAfter,
    },
  };
}
