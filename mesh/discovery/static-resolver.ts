import { addressProblem } from './endpoint.js';
import { type ListSink, type ResolverOptions, resolverOf } from './list-source.js';
import type { Endpoint, Resolver } from './resolver.js';

/** A resolver whose lists are set by hand: by a test, or from a setting. */
export interface StaticResolver extends Resolver {
  /** Sets the endpoints of a service. @throws TypeError for one that can't be dialled. */
  set(service: string, endpoints: readonly Endpoint[]): void;
}

/** Makes a {@link StaticResolver}. A service that was never set has no endpoints. */
export function createStaticResolver(
  options: ResolverOptions,
  lists: Readonly<Record<string, readonly Endpoint[]>> = {},
): StaticResolver {
  const known = new Map<string, readonly Endpoint[]>();
  const sinks = new Map<string, ListSink>();
  const set: StaticResolver['set'] = (service, endpoints) => {
    for (const endpoint of endpoints) {
      const problem = addressProblem(endpoint);
      if (problem !== undefined) throw new TypeError(`${service} ${endpoint.instanceId}: ${problem}`);
    }
    known.set(service, endpoints);
    sinks.get(service)?.heard(endpoints);
  };
  for (const [service, endpoints] of Object.entries(lists)) set(service, endpoints);
  const resolver = resolverOf((service, sink) => {
    sinks.set(service, sink);
    sink.heard(known.get(service) ?? []);
    return () => sinks.delete(service);
  }, options);
  return { ...resolver, set };
}
