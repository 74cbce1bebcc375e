import { experimental, type ServiceConfig, status } from '@grpc/grpc-js';
import type { Log, Timers } from '../runtime/ports.js';
import { requireService } from './endpoint.js';
import type { Endpoint, Resolver } from './resolver.js';

/** Retries, timeouts and load balancing of a channel, as grpc-js has them. */
export type { ServiceConfig };

/** How channels by a mesh resolver behave. */
export interface MeshResolverOptions {
  readonly timers: Pick<Timers, 'after'>;
  readonly log: Log;
  /** Retries, timeouts and load balancing towards a service. Default: round robin, no retries. */
  serviceConfig?(service: string): ServiceConfig;
  /** What stands in `:authority` of calls to a service. Default: the service's name, as the contract has it. */
  authority?(service: string): string;
  /** How long calls wait for the first list before they fail, in milliseconds. Default 1000. */
  readonly firstListWithinMs?: number;
}

/** A scheme that channels can be opened with. */
export interface MeshScheme {
  /** Gives the channels the service configs as they are now. It holds for the next call, on the same connections. */
  configChanged(): void;
}

const defaultConfig: ServiceConfig = { loadBalancingConfig: [{ round_robin: {} }], methodConfig: [] };

type GrpcTarget = experimental.GrpcUri;

/**
 * Makes targets such as `consul:///catalog` known to grpc-js. Its table of schemes is one for the whole process: this is
 * the only place that writes into it. A scheme that is registered again leads to the new resolver; channels that are
 * open keep theirs.
 *
 * How grpc-js 1.14 takes it (all of this is in its `experimental` part):
 * - The endpoints and the service config come by one listener, never called from within `updateResolution`.
 * - `destroy` and `updateResolution` alternate: a channel without calls for 30 minutes lets go and comes back.
 * - Attributes would become arguments of the connections, and each new value would open new ones: none are passed.
 * - After an empty list round robin lets calls wait until their deadlines; after an error it goes on with the endpoints
 *   that it has. So an empty list, which is passed only when the resolver believes it, is followed by an error.
 */
export function registerMeshResolver(
  scheme: string,
  resolver: Resolver,
  options: MeshResolverOptions,
): MeshScheme {
  const { authority = (service) => service } = options;
  const open = new Set<ChannelResolver>();

  class MeshResolver implements experimental.Resolver {
    readonly #channel: ChannelResolver;

    constructor(target: GrpcTarget, listener: experimental.ResolverListener) {
      this.#channel = createChannelResolver(serviceOf(target), listener, resolver, options);
    }

    updateResolution(): void {
      open.add(this.#channel);
      this.#channel.start();
    }

    destroy(): void {
      open.delete(this.#channel);
      this.#channel.stop();
    }

    static getDefaultAuthority(target: GrpcTarget): string {
      return authority(serviceOf(target));
    }
  }

  experimental.registerResolver(scheme, MeshResolver);
  return {
    configChanged: () => {
      for (const channel of open) channel.tell();
    },
  };
}

function serviceOf(target: GrpcTarget): string {
  if (target.authority)
    throw new TypeError(`${experimental.uriToString(target)}: write it with three slashes`);
  return requireService(target.path);
}

interface ChannelResolver {
  start(): void;
  stop(): void;
  /** Tells the endpoints and the config once more, later in this turn. */
  tell(): void;
}

function createChannelResolver(
  service: string,
  listener: experimental.ResolverListener,
  resolver: Resolver,
  options: MeshResolverOptions,
): ChannelResolver {
  const { timers, log, firstListWithinMs = 1_000 } = options;
  let stopWatching: (() => void) | undefined;
  let cancelWaiting = () => {};
  let endpoints: readonly Endpoint[] | undefined;
  let config: ServiceConfig | undefined;

  const configNow = () => {
    try {
      const wanted = options.serviceConfig?.(service) ?? defaultConfig;
      if (experimental.selectLbConfigFromList(wanted.loadBalancingConfig) === null)
        throw new TypeError('it names no known way of load balancing');
      config = wanted;
    } catch (error) {
      log.error({ service, error: String(error) }, 'a service config is wrong: the one before it stays');
    }
    return experimental.statusOrFromValue(config ?? defaultConfig);
  };
  const fail = (details: string) => {
    listener(experimental.statusOrFromError({ code: status.UNAVAILABLE, details }), {}, configNow(), details);
  };
  const tellNow = () => {
    if (stopWatching === undefined || endpoints === undefined) return;
    cancelWaiting();
    listener(experimental.statusOrFromValue(dialled(endpoints)), {}, configNow(), '');
    if (endpoints.length === 0) fail(`no instance of ${service} is in the registry and well`);
  };

  return {
    start: () => {
      if (stopWatching !== undefined) return;
      stopWatching = resolver.watch(service, (list) => {
        endpoints = list;
        tellNow();
      });
      cancelWaiting = timers.after(firstListWithinMs, () =>
        fail(`discovery knows nothing of ${service} yet`),
      );
    },
    stop: () => {
      stopWatching?.();
      stopWatching = undefined;
      cancelWaiting();
    },
    tell: () => queueMicrotask(tellNow),
  };
}

/** Each address once: two registrations of one place are one connection. */
function dialled(endpoints: readonly Endpoint[]): experimental.Endpoint[] {
  const byAddress = new Map(
    endpoints.map(({ address, port }) => [`${address} ${port}`, { addresses: [{ host: address, port }] }]),
  );
  return [...byAddress.values()];
}
