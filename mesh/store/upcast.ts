import type { StoredEvent } from './store.js';

/**
 * Brings events of old kinds to today's, one step each: the stored type to what makes the next newer event of it. A stored
 * event never changes; when its kind does, the old kind gets a step here, and everything else knows today's kind alone.
 */
export type Upcasters = Readonly<Record<string, (event: StoredEvent) => StoredEvent>>;

/** Longer chains are a circle. */
const mostSteps = 100;

/**
 * An event as today's code knows it; one of today's kind as it is.
 * @throws Error when the steps go round in a circle.
 */
export function upcast<E extends StoredEvent>(event: E, upcasters: Upcasters): E {
  let newer: E = event;
  for (let steps = 0; steps < mostSteps; steps += 1) {
    const step = Object.hasOwn(upcasters, newer.type) ? upcasters[newer.type] : undefined;
    if (step === undefined) return newer;
    newer = { ...newer, ...step(newer) };
  }
  throw new Error(`the upcasters of ${event.type} go round in a circle`);
}
