import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { SocketAddress } from '../../discovery/resolver.js';
import type { Ambient, Log } from '../../runtime/ports.js';
import { type Environment, portOf } from '../../runtime/setting.js';
import { StartupError } from '../../runtime/startup-error.js';

/**
 * Where an instance listens and how others reach it. Among processes on one machine nothing of it is set: ports are free ones
 * on loopback. The supervisor's own HOST, ADMIN_PORT and the like are in an instance's environment, too, hence other names.
 */
export interface InstancePlace {
  /** INSTANCE_HOST: what is listened on. Default 127.0.0.1. */
  readonly host: string;
  /** INSTANCE_PORT: of the contracts. Default 0, any free port. */
  readonly grpcPort: number;
  /** ADMIN_HOST. Default 127.0.0.1. */
  readonly adminHost: string;
  /** INSTANCE_ADMIN_PORT. Default 0, any free port. */
  readonly adminPort: number;
  /** INSTANCE_ADDRESS: the IP address that others dial. Default: what is listened on. */
  readonly address: string | undefined;
  /** VIRTUAL_HOST: a name whose address stands for all instances of the service. Default: there is none. */
  readonly virtualHost: string | undefined;
  /** AUTHORITY_DOMAIN: put behind a service's name to make the authority of calls to it. Default: nothing is. */
  readonly authorityDomain: string | undefined;
  /** DRAIN_MS: how long calls in flight may take when the instance stops. Default 5000. */
  readonly drainMs: number;
}

const usualDrainMs = 5_000;

/** @throws StartupError that names the variable. */
export function readPlace(environment: Environment): InstancePlace {
  const address = environment['INSTANCE_ADDRESS'] || undefined;
  if (address !== undefined && isIP(address) === 0)
    throw new StartupError(`INSTANCE_ADDRESS is '${address}'`, 'give the IP address that others dial');
  return {
    host: environment['INSTANCE_HOST'] || '127.0.0.1',
    grpcPort: portOf(environment, 'INSTANCE_PORT', 0),
    adminHost: environment['ADMIN_HOST'] || '127.0.0.1',
    adminPort: portOf(environment, 'INSTANCE_ADMIN_PORT', 0),
    address,
    virtualHost: nameOf(environment, 'VIRTUAL_HOST'),
    authorityDomain: nameOf(environment, 'AUTHORITY_DOMAIN'),
    drainMs: drainOf(environment),
  };
}

function nameOf(environment: Environment, variable: string): string | undefined {
  const text = environment[variable] || undefined;
  if (text === undefined || /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/i.test(text)) return text;
  throw new StartupError(`${variable} is '${text}'`, 'give a name such as catalog.shop.svc.cluster.local');
}

function drainOf(environment: Environment): number {
  const text = environment['DRAIN_MS'] || String(usualDrainMs);
  const drainMs = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN;
  if (drainMs >= 0) return drainMs;
  throw new StartupError(`DRAIN_MS is '${text}'`, 'give milliseconds from 0 to 999999');
}

/** The authority of calls to a service: its name, in the domain where there is one. */
export function authorityOf({ authorityDomain }: InstancePlace, service: string): string {
  return authorityDomain === undefined ? service : `${service}.${authorityDomain}`;
}

/** What callers in any language put into `:authority`: with the port where the name is one of a domain, by which a mesh routes. */
export function registeredAuthority(place: InstancePlace, service: string, port: number): string {
  const authority = authorityOf(place, service);
  return place.authorityDomain === undefined ? authority : `${authority}:${port}`;
}

/** `address:port`, with brackets around one of version 6. */
export function placeText({ address, port }: SocketAddress): string {
  return `${isIP(address) === 6 ? `[${address}]` : address}:${port}`;
}

/** The parts of such a text. */
export function placeOf(text: string): SocketAddress {
  const at = text.lastIndexOf(':');
  return { address: text.slice(0, at).replace(/^\[(.*)\]$/, '$1'), port: Number(text.slice(at + 1)) };
}

/** What is needed to find the address of a name. */
export interface VirtualAddressOptions {
  readonly ambient: Pick<Ambient, 'timers'>;
  readonly log: Log;
  /** Default: the system's. */
  readonly look?: (host: string) => Promise<{ readonly address: string }>;
}

/** How often a name is looked up, and the pause between. Right after a start name servers may not be reachable yet. */
const lookups = { times: 10, pauseMs: 500 };

/**
 * The address of {@link InstancePlace.virtualHost}. Without one the instance is registered with its own address alone, which
 * callers then dial.
 */
export async function virtualAddressOf(
  { virtualHost }: InstancePlace,
  port: number,
  options: VirtualAddressOptions,
): Promise<SocketAddress | undefined> {
  const { ambient, log, look = lookup } = options;
  if (virtualHost === undefined) return undefined;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return { address: (await look(virtualHost)).address, port };
    } catch (error) {
      if (attempt === lookups.times) {
        log.warn(
          { host: virtualHost, problem: String(error) },
          'VIRTUAL_HOST has no address: registered without',
        );
        return undefined;
      }
      await ambient.timers.sleep(lookups.pauseMs);
    }
  }
}
