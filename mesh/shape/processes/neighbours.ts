import { createHash } from 'node:crypto';
import { join } from 'node:path';

import { createConsulRegistry } from '../../discovery/consul-registry.js';
import { createConsulResolver } from '../../discovery/consul-resolver.js';
import { detouredResolver, switchboardDetour } from '../../discovery/detour.js';
import { registerMeshResolver, type ServiceConfig } from '../../discovery/grpc-resolver.js';
import type { InstanceHealth, Registered } from '../../discovery/registry.js';
import { grpcWire } from '../../rpc/grpc/channel-wire.js';
import type { RepeatListener } from '../../rpc/grpc/repeats.js';
import type { Wire, WireTo } from '../../rpc/wire.js';
import type { DataFiles } from '../../runtime/data-folder.js';
import type { Manifest } from '../../runtime/manifest.js';
import type { Ambient, Log } from '../../runtime/ports.js';
import type { Environment } from '../../runtime/setting.js';
import { type FollowedIdentity, followIdentity } from '../../security/followed-identity.js';
import type { LoadedShop } from '../loaded-shop.js';
import { readImage } from '../package-files.js';
import type { InstanceAddresses } from './channel.js';

/** What an instance knows of itself when it looks for the others. */
export interface NeighboursOptions {
  readonly shop: LoadedShop;
  readonly manifest: Manifest;
  readonly id: string;
  readonly data: DataFiles;
  readonly environment: Environment;
  readonly ambient: Ambient;
  readonly log: Log;
  readonly serviceConfig: (callee: string) => ServiceConfig;
  /** Puts breaker, fallback and the like around a wire. */
  readonly protect: (wire: Wire, callee: string) => Wire;
  /** Who hears of repeated calls to a service. */
  readonly repeats: (callee: string) => RepeatListener;
}

/** The other services, as an instance reaches them, and how they reach it. */
export interface Neighbours {
  /** What it shows to others; renewed while it runs. */
  readonly identity: FollowedIdentity;
  /** Wires through Consul and mTLS, with retries, breakers and fallbacks. */
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
 * @throws StartupError for a wrong CONSUL_HTTP_ADDR or FAULT_PROXY_URL, or a certificate that is missing or does not hold.
 */
export function openNeighbours(options: NeighboursOptions): Neighbours {
  const { shop, manifest, ambient, log, environment } = options;
  const { timers } = ambient;
  const identity = followIdentity({
    folder: join(options.data.path, 'certificates'),
    service: manifest.name,
    ambient,
    log,
  });
  const access = {
    address: environment['CONSUL_HTTP_ADDR'] || usualConsul,
    tokenFile: environment['CONSUL_HTTP_TOKEN_FILE'] || undefined,
  };
  const registry = createConsulRegistry({ ...access, ambient, log });
  const consulResolver = createConsulResolver({ ...access, ambient, log });
  const faultProxy = environment['FAULT_PROXY_URL'] || undefined;
  const resolver =
    faultProxy === undefined
      ? consulResolver
      : detouredResolver(consulResolver, {
          detour: switchboardDetour(faultProxy, manifest.name, globalThis.fetch),
          timers,
          log,
        });
  registerMeshResolver('consul', resolver, { timers, log, serviceConfig: options.serviceConfig });
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
      identity,
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
    register: (addresses, health) => {
      const [address = '', port = ''] = (addresses.grpcAddress ?? addresses.frontAddress ?? '').split(':');
      return registry.register(
        {
          service: manifest.name,
          instanceId: options.id,
          address,
          port: Number(port),
          tags: ['meshmart', manifest.criticality],
          meta: {
            version: shop.version,
            language: 'typescript',
            authority: manifest.name,
            contract_digest: contractDigest(),
            admin_port: new URL(addresses.adminUrl).port,
            pid: String(process.pid),
          },
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
