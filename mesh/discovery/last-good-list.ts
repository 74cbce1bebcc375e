import type { Ambient } from '../runtime/ports.js';
import { inOrder, sameEndpoints } from './endpoint.js';
import type { Endpoint } from './resolver.js';

/** What a {@link createLastGoodList} works with. */
export interface LastGoodListOptions {
  /** How long what is missing must be missing before that is believed, where it is doubted. In milliseconds. */
  readonly graceMs: number;
  readonly ambient: Pick<Ambient, 'clock' | 'timers'>;
  /** Told each list that is believed and differs from the one before. */
  tell(endpoints: readonly Endpoint[]): void;
}

/** Decides which lists of a source are believed. */
export interface LastGoodList {
  /** The source answered. */
  heard(endpoints: readonly Endpoint[]): void;
  /** The source does not answer, or began anew. */
  away(): void;
  /** The list that holds; undefined before the first. */
  current(): readonly Endpoint[] | undefined;
  /** Ends its timer; what is heard later is told all the same. */
  stop(): void;
}

/**
 * A registry that was away comes back knowing less than is true: its checks have run out, or its memory is empty, and
 * instances register again one by one, some twice. So for the grace period after its return the list only grows. An
 * empty list is doubted at any time, since none is worse than a wrong one: it is believed when it stays so for the grace
 * period, and forgotten as soon as one instance is heard of.
 */
export function createLastGoodList(options: LastGoodListOptions): LastGoodList {
  const { graceMs, ambient, tell } = options;
  let told: readonly Endpoint[] | undefined;
  let latest: readonly Endpoint[] = [];
  let emptySinceMs: number | undefined;
  let isAway = false;
  let doubt: 'return' | 'emptiness' | undefined;
  /** What stays in the list for the time of a doubt. */
  const kept = new Map<string, Endpoint>();
  let cancelTimer = () => {};

  const keep = (endpoints: readonly Endpoint[]) => {
    for (const endpoint of endpoints) kept.set(endpoint.instanceId, endpoint);
  };
  const begin = (about: 'return' | 'emptiness', forMs: number) => {
    doubt = about;
    kept.clear();
    keep(told ?? []);
    cancelTimer();
    cancelTimer = ambient.timers.after(forMs, expire);
  };
  const end = () => {
    doubt = undefined;
    kept.clear();
    cancelTimer();
  };
  const publish = () => {
    const list = inOrder([...latest, ...kept.values()]);
    if (told !== undefined && sameEndpoints(told, list)) return;
    told = list;
    tell(list);
  };
  const expire = () => {
    const emptyForMs = emptySinceMs === undefined ? graceMs : ambient.clock.monotonicMs() - emptySinceMs;
    // It became empty while its return was still in doubt.
    if (emptyForMs < graceMs) begin('emptiness', graceMs - emptyForMs);
    else end();
    publish();
  };

  return {
    heard: (endpoints) => {
      const hasList = told !== undefined && told.length > 0;
      latest = endpoints;
      emptySinceMs = endpoints.length > 0 ? undefined : (emptySinceMs ?? ambient.clock.monotonicMs());
      if (isAway && hasList) begin('return', graceMs);
      isAway = false;
      if (doubt === 'return') keep(endpoints);
      else if (endpoints.length > 0) end();
      else if (doubt === undefined && hasList) begin('emptiness', graceMs);
      publish();
    },
    away: () => {
      isAway = true;
      emptySinceMs = undefined;
      // Nothing is decided on the word of a source that is not there.
      cancelTimer();
    },
    current: () => told,
    stop: () => {
      cancelTimer();
      emptySinceMs = undefined;
      // What was in doubt is in doubt again when the source is next heard.
      if (doubt !== undefined) isAway = true;
    },
  };
}
