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
 * instances register again one by one. So what was known when it came back stays for the grace period, unless it was
 * heard of since. The same holds when a list becomes empty: since no list is worse than a wrong one, that is believed
 * only when it stays so, and forgotten as soon as one instance is heard of.
 */
export function createLastGoodList(options: LastGoodListOptions): LastGoodList {
  const { graceMs, ambient, tell } = options;
  let told: readonly Endpoint[] | undefined;
  let latest: readonly Endpoint[] = [];
  let emptySinceMs: number | undefined;
  let isAway = false;
  let doubt: { readonly about: 'return' | 'emptiness'; readonly untilMs: number } | undefined;
  /** Kept for the time of a doubt, as they were known when it began. */
  const unconfirmed = new Map<string, Endpoint>();
  let cancelTimer = () => {};

  const begin = (about: 'return' | 'emptiness', untilMs: number) => {
    doubt = { about, untilMs };
    unconfirmed.clear();
    for (const endpoint of told ?? []) unconfirmed.set(endpoint.instanceId, endpoint);
    cancelTimer();
    cancelTimer = ambient.timers.after(untilMs - ambient.clock.monotonicMs(), expire);
  };
  const end = () => {
    doubt = undefined;
    unconfirmed.clear();
    cancelTimer();
  };
  const publish = () => {
    const list = inOrder([...latest, ...unconfirmed.values()]);
    if (told !== undefined && sameEndpoints(told, list)) return;
    told = list;
    tell(list);
  };
  const expire = () => {
    const emptyUntilMs = (emptySinceMs ?? 0) + graceMs;
    const emptyTooShort = emptySinceMs !== undefined && emptyUntilMs > ambient.clock.monotonicMs();
    if (emptyTooShort && doubt?.about === 'return') begin('emptiness', emptyUntilMs);
    else end();
    publish();
  };

  return {
    heard: (endpoints) => {
      const nowMs = ambient.clock.monotonicMs();
      const known = told ?? [];
      latest = endpoints;
      emptySinceMs = endpoints.length > 0 ? undefined : (emptySinceMs ?? nowMs);
      if (isAway && known.length > 0) begin('return', nowMs + graceMs);
      isAway = false;
      for (const { instanceId } of endpoints) unconfirmed.delete(instanceId);
      // Without a doubt nothing is unconfirmed; within one, all may have been heard of again, and have gone then.
      const nothingLeft = endpoints.length === 0 && unconfirmed.size === 0;
      if (nothingLeft && known.length > 0) begin('emptiness', nowMs + graceMs);
      else if (endpoints.length > 0 && doubt?.about === 'emptiness') end();
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
