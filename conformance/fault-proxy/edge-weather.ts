/** Which way bytes flow on an edge: `up` from the caller to the callee, `down` back. */
export type Direction = 'up' | 'down';

/** What happens once, to the next message that comes by. */
export type Mishap =
  /** Half of the next bytes in either direction pass, then both ends get a reset. */
  | 'reset mid-message'
  /** The next request passes; what the callee answers is thrown away, then both ends get a reset. */
  | 'drop the reply';

/**
 * What all connections of an edge go through, present and future ones. Named as in Toxiproxy
 * (https://github.com/Shopify/toxiproxy#toxics): latency, timeout (here `cut`), reset_peer (here `refuse`).
 */
export interface EdgeWeather {
  /** Bytes wait for so long, plus up to as much as the jitter, and stay in order. In milliseconds. */
  slow(delayMs: number, jitterMs: number): void;
  /**
   * Nothing passes in these directions. What waits goes on when the edge is healed, as TCP sends again what was lost; new
   * connections hang. Neither end hears of the end of the other meanwhile.
   */
  cut(...directions: readonly Direction[]): void;
  /** All connections get a reset, and so does each new one. */
  refuse(): void;
  /** Once, to the next message. */
  plan(mishap: Mishap): void;
  /** Fair from now on: also what was planned and did not happen yet is forgotten. */
  heal(): void;
  /** How many mishaps that were planned have happened. */
  mishaps(): number;
}

/** What a connection asks of the weather it is in. */
export interface FeltWeather extends EdgeWeather {
  delayMs(): number;
  isCut(direction: Direction): boolean;
  isRefusing(): boolean;
  /** Takes the mishap that is planned, if there is one. */
  takeMishap(): Mishap | undefined;
  /** Told when anything changes; the returned function ends it. */
  onChange(listener: () => void): () => void;
}

/** Fair weather, until it is changed. @param chance a number in [0, 1), for the jitter. */
export function edgeWeather(chance: () => number): FeltWeather {
  let delay = { fixedMs: 0, jitterMs: 0 };
  const cuts = new Set<Direction>();
  let refusing = false;
  let planned: Mishap[] = [];
  let happened = 0;
  const listeners = new Set<() => void>();
  const changed = () => {
    for (const listener of [...listeners]) listener();
  };
  return {
    slow: (fixedMs, jitterMs) => {
      delay = { fixedMs, jitterMs };
    },
    cut: (...directions) => {
      for (const direction of directions) cuts.add(direction);
    },
    refuse: () => {
      refusing = true;
      changed();
    },
    plan: (mishap) => {
      planned.push(mishap);
    },
    heal: () => {
      delay = { fixedMs: 0, jitterMs: 0 };
      cuts.clear();
      refusing = false;
      planned = [];
      changed();
    },
    mishaps: () => happened,
    delayMs: () => delay.fixedMs + delay.jitterMs * chance(),
    isCut: (direction) => cuts.has(direction),
    isRefusing: () => refusing,
    takeMishap: () => {
      const mishap = planned.shift();
      if (mishap !== undefined) happened += 1;
      return mishap;
    },
    onChange: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
