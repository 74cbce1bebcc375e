import { createHash } from 'node:crypto';
import { join } from 'node:path';

import { createConsulRegistry } from '../../discovery/consul-registry.js';
import { createConsulResolver } from '../../discovery/consul-resolver.js';
import { detouredResolver, switchboardDetour } from '../../discovery/detour.js';
import { registerMeshResolver, type ServiceConfig } from '../../discovery/grpc-resolver.js';
import type { InstanceHealth, Registered } from '../../discovery/registry.js';
import { virtualAddresses } from '../../discovery/virtual-addresses.js';
import { grpcWire } from '../../rpc/grpc/channel-wire.js';
import type { RepeatListener } from '../../rpc/grpc/repeats.js';
import type { Wire, WireTo } from '../../rpc/wire.js';
import type { DataFiles } from '../../runtime/data-folder.js';
import type { Manifest } from '../../runtime/manifest.js';
import type { OutgoingHttp } from '../../runtime/outgoing-http.js';
import type { Ambient, Log } from '../../runtime/ports.js';
import { type Environment, wordOf } from '../../runtime/setting.js';
import type { LoadedShop } from '../loaded-shop.js';
import { readImage } from '../package-files.js';
import type { InstanceAddresses } from './channel.js';
import { type InstanceIdentity, openInstanceIdentity } from './instance-identity.js';
import {
  authorityOf,
  type InstancePlace,
  placeOf,
  registeredAuthority,
  virtualAddressOf,
} from './instance-place.js';

/** What an instance knows of itself when it looks for the others. */
export interface NeighboursOptions {
  readonly shop: LoadedShop;
  readonly manifest: Manifest;
  readonly id: string;
  readonly data: DataFiles;
  readonly environment: Environment;
  readonly place: InstancePlace;
  readonly ambient: Ambient;
  readonly log: Log;
  /** To Consul, and to a switchboard of fault proxies. */
  readonly http: OutgoingHttp;
  readonly serviceConfig: (callee: string) => ServiceConfig;
  /** Puts breaker, fallback and the like around a wire. */
  readonly protect: (wire: Wire, callee: string) => Wire;
  /** Who hears of repeated calls to a service. */
  readonly repeats: (callee: string) => RepeatListener;
}

/** The other services, as an instance reaches them, and how they reach it. */
export interface Neighbours {
  /** What it shows to others, and how it knows them. */
  readonly identity: InstanceIdentity;
  /** Wires through Consul, with retries, breakers and fallbacks. */
  readonly wireTo: WireTo;
  /** The same hops without breaker or fallback: for who wants to know how the other is. */
  readonly plainWireTo: WireTo;
  /** Makes this instance known in Consul, and keeps it known. */
  register(addresses: InstanceAddresses, health: () => InstanceHealth): Promise<Registered>;
  close(): void;
}

/** Where Consul is when nobody says so. */
const usualConsul = '127.0.0.1:8500';

/** A callee that was away is tried again at least this often. */
const maxReconnectBackoffMs = 2_000;

/**
 * Opens the way to the other services. Consul need not be there.
 * @throws StartupError for a wrong CONSUL_HTTP_ADDR, DISCOVERY_ADDRESS, WORKLOAD_IDENTITY or FAULT_PROXY_URL, or a certificate
 * that is missing or does not hold.
 */
export function openNeighbours(options: NeighboursOptions): Neighbours {
  const { shop, manifest, ambient, log, environment, place } = options;
  const { timers } = ambient;
  // Instances by their own addresses, or by the one that stands for all of a service, where a mesh picks the instance.
  const addresses = wordOf(environment, 'DISCOVERY_ADDRESS', ['instance', 'virtual'], 'instance');
  const identity = openInstanceIdentity({
    environment,
    folder: join(options.data.path, 'certificates'),
    service: manifest.name,
    ambient,
    log,
  });
  const access = {
    address: environment['CONSUL_HTTP_ADDR'] || usualConsul,
    tokenFile: environment['CONSUL_HTTP_TOKEN_FILE'] || undefined,
  };
  const registry = createConsulRegistry({ ...access, ambient, log, http: options.http });
  const instances = createConsulResolver({ ...access, ambient, log });
  const consulResolver = addresses === 'virtual' ? virtualAddresses(instances) : instances;
  const faultProxy = environment['FAULT_PROXY_URL'] || undefined;
  const resolver =
    faultProxy === undefined
      ? consulResolver
      : detouredResolver(consulResolver, {
          detour: switchboardDetour(faultProxy, manifest.name, options.http),
          timers,
          log,
        });
  registerMeshResolver('consul', resolver, {
    timers,
    log,
    serviceConfig: options.serviceConfig,
    authority: (service) => authorityOf(place, service),
  });
  // Followed from the start: who is first called while Consul is away must be known by then.
  const callees = new Set(manifest.calls.map((call) => shop.owners.get(call.split('/')[0] ?? '')));
  for (const callee of callees) if (callee !== undefined) resolver.watch(callee, () => undefined);
  const wires = new Map<string, { readonly plain: Wire; readonly protectedOne: Wire }>();
  const wiresTo = (callee: string) => {
    const known = wires.get(callee);
    if (known !== undefined) return known;
    const channel = {
      'grpc.max_reconnect_backoff_ms': maxReconnectBackoffMs,
      'grpc.initial_reconnect_backoff_ms': 100,
    };
    const plain = grpcWire(`consul:///${callee}`, {
      callee,
      authority: authorityOf(place, callee),
      identity: identity.shown,
      metadata: identity.metadata,
      channel,
      repeats: options.repeats(callee),
    });
    const made = { plain, protectedOne: options.protect(plain, callee) };
    wires.set(callee, made);
    return made;
  };
  return {
    identity,
    wireTo: (callee) => wiresTo(callee).protectedOne,
    plainWireTo: (callee) => wiresTo(callee).plain,
    register: async (addresses, health) => {
      const { address, port } = placeOf(addresses.grpcAddress ?? addresses.frontAddress ?? '');
      return registry.register(
        {
          service: manifest.name,
          instanceId: options.id,
          address: place.address ?? address,
          port,
          tags: ['meshmart', manifest.criticality],
          meta: {
            version: shop.version,
            language: 'typescript',
            authority: registeredAuthority(place, manifest.name, port),
            contract_digest: contractDigest(),
            admin_port: new URL(addresses.adminUrl).port,
            pid: String(process.pid),
          },
          virtual: await virtualAddressOf(place, port, { ambient, log }),
        },
        health,
      );
    },
    close: () => {
      for (const { protectedOne, plain } of wires.values()) {
        protectedOne.close();
        plain.close();
      }
      resolver.close();
      identity.close();
    },
  };
}

/** Tells two instances apart that were built from different contracts. */
function contractDigest(): string {
  return createHash('sha256').update(readImage()).digest('hex').slice(0, 16);
}
