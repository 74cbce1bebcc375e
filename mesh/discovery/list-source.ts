import type { Ambient, Log } from '../runtime/ports.js';
import { requireService } from './endpoint.js';
import { createLastGoodList, type LastGoodList } from './last-good-list.js';
import type { Endpoint, EndpointListener, Resolver } from './resolver.js';

/** Takes what a source of lists has to say about one service. */
export interface ListSink {
  /** The endpoints as the source has them now, checked entry by entry. */
  heard(endpoints: readonly Endpoint[]): void;
  /** The source gives no list, and why. */
  away(problem: string): void;
}

/** Begins to follow a service; the returned function ends it. May call the sink at any time, also at once. */
export type ListSource = (service: string, sink: ListSink) => () => void;

/** What all resolvers take. */
export interface ResolverOptions {
  readonly ambient: Ambient;
  readonly log: Log;
  /** How long an instance that is missing in doubt is kept, in milliseconds. Default 10000. See {@link Resolver}. */
  readonly graceMs?: number;
}

interface Watched {
  readonly list: LastGoodList;
  readonly watchers: Set<{ tell(): void; stop(): void }>;
  stop: (() => void) | undefined;
}

/** Makes a {@link Resolver} of a source: one that keeps its contract, and follows each service once for all watchers. */
export function resolverOf(source: ListSource, options: ResolverOptions): Resolver {
  const { ambient, log, graceMs = 10_000 } = options;
  const services = new Map<string, Watched>();

  const watchedOf = (service: string): Watched => {
    const known = services.get(service);
    if (known !== undefined) return known;
    const watchers: Watched['watchers'] = new Set();
    const list = createLastGoodList({
      graceMs,
      ambient,
      tell: (endpoints) => {
        log.info(
          { service, instances: endpoints.map(({ instanceId }) => instanceId).join(' ') },
          'the instances of a service',
        );
        for (const watcher of watchers) watcher.tell();
      },
    });
    const made: Watched = { list, watchers, stop: undefined };
    services.set(service, made);
    return made;
  };

  const follow = (service: string, watched: Watched) => {
    let problem: string | undefined;
    watched.stop = source(service, {
      heard: (endpoints) => {
        if (problem !== undefined) log.info({ service }, 'discovery answers again');
        problem = undefined;
        watched.list.heard(endpoints);
      },
      away: (reason) => {
        if (problem === undefined)
          log.warn({ service, problem: reason }, 'discovery does not answer: the last list stands');
        problem = reason;
        watched.list.away();
      },
    });
  };

  const unfollow = (watched: Watched) => {
    watched.stop?.();
    watched.stop = undefined;
    watched.list.stop();
  };

  return {
    watch: (service, listener) => {
      const watched = watchedOf(requireService(service));
      const watcher = latestFirst(() => watched.list.current(), listener, log);
      watched.watchers.add(watcher);
      // Known from before, if anybody has watched it already.
      watcher.tell();
      if (watched.stop === undefined) follow(service, watched);
      return () => {
        if (!watched.watchers.delete(watcher)) return;
        watcher.stop();
        if (watched.watchers.size === 0) unfollow(watched);
      };
    },
    close: () => {
      for (const watched of services.values()) {
        for (const watcher of watched.watchers) watcher.stop();
        watched.watchers.clear();
        unfollow(watched);
      }
      services.clear();
    },
  };
}

/** Tells a listener in a turn of its own, and then only what is newest. */
function latestFirst(
  current: () => readonly Endpoint[] | undefined,
  listener: EndpointListener,
  log: Log,
): { tell(): void; stop(): void } {
  let last: readonly Endpoint[] | undefined;
  let pending = false;
  let stopped = false;
  return {
    tell: () => {
      if (pending) return;
      pending = true;
      queueMicrotask(() => {
        pending = false;
        const list = current();
        if (stopped || list === undefined || list === last) return;
        last = list;
        try {
          listener(list);
        } catch (error) {
          log.error({ error: String(error) }, 'a listener for endpoints failed');
        }
      });
    },
    stop: () => {
      stopped = true;
    },
  };
}
