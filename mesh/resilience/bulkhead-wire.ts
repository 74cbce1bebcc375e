import type { Wire } from '../rpc/wire.js';
import type { Bulkhead } from './bulkhead.js';

/**
 * Sends only as many calls at once as the bulkhead has places. Calls whose answer is a stream pass by: a watch lasts as
 * long as its reader likes and would hold a place for nothing.
 */
export function bulkheadWire(wire: Wire, bulkhead: Bulkhead): Wire {
  return {
    call: async (request) => {
      const { kind } = request.method;
      if (kind === 'server_streaming' || kind === 'bidi_streaming') return wire.call(request);
      const leave = await bulkhead.enter(request.signal);
      try {
        return await wire.call(request);
      } finally {
        leave();
      }
    },
    close: () => wire.close(),
  };
}
