import { sameEndpoints } from './endpoint.js';
import type { Endpoint, Resolver } from './resolver.js';

/**
 * A resolver that gives the address that stands for all instances of a service instead of each one's own: where a mesh
 * chooses the instance. The registry still says whether there is any: no instance, no address. One that has no such address
 * is given by its own, which a mesh takes as well, as long as the authority is the contract's. Keeps what {@link Resolver}
 * promises.
 */
export function virtualAddresses(resolver: Resolver): Resolver {
  return {
    watch: (service, listener) => {
      let told: readonly Endpoint[] | undefined;
      return resolver.watch(service, (endpoints) => {
        const virtual = endpoints.map(virtualOf);
        // An instance that moves is no news here.
        if (told !== undefined && sameEndpoints(told, virtual)) return;
        told = virtual;
        listener(virtual);
      });
    },
    close: () => resolver.close(),
  };
}

function virtualOf(endpoint: Endpoint): Endpoint {
  return endpoint.virtual === undefined ? endpoint : { ...endpoint, ...endpoint.virtual };
}
