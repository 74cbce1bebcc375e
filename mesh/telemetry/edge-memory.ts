import type { Dispatch } from '../rpc/wire.js';

/** One edge of the graph of calls, with how often it was used. */
export interface SeenEdge {
  readonly caller: string;
  /** `meshmart.cart.v1.CartService/GetCart` */
  readonly method: string;
  readonly calls: number;
}

/** The edges that calls have come in by, since the process began. Held against the manifests by the tour of the shop. */
export interface EdgeMemory {
  seen(): readonly SeenEdge[];
  /** The same receiving end, remembering who called what. */
  watching(dispatch: Dispatch): Dispatch;
}

/** Makes an empty memory. Callers and methods are bound names, so it can't grow beyond the graph. */
export function createEdgeMemory(): EdgeMemory {
  const counts = new Map<string, { caller: string; method: string; calls: number }>();
  return {
    seen: () => [...counts.values()],
    watching: (dispatch) => (arrival) => {
      const method = arrival.method.path.slice(1);
      const key = `${arrival.caller} ${method}`;
      const known = counts.get(key);
      if (known === undefined) counts.set(key, { caller: arrival.caller, method, calls: 1 });
      else known.calls += 1;
      return dispatch(arrival);
    },
  };
}
