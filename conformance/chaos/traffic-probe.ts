import type { OutgoingHttp } from '../../mesh/runtime/outgoing-http.js';
import type { Ambient } from '../../mesh/runtime/ports.js';

/** Asks single services through the public API whether they serve. */
export interface TrafficProbe {
  /**
   * Calls a service until a call goes well that was begun from now on, one call after the other. Who waits for the same
   * service at the same time shares the calls: one loop for each of many faults would be a flood while a service is away.
   * @returns when the one that went well had its answer (monotonic milliseconds), or undefined when none did in time.
   */
  untilBack(service: string, signal: AbortSignal): Promise<number | undefined>;
}

export interface TrafficProbeOptions extends Pick<Ambient, 'clock' | 'timers'> {
  readonly shopUrl: string;
  /** Of an account that is there. */
  readonly token: string;
  readonly productId: string;
  /** An order of that account, for its payment. */
  readonly orderId: string;
  readonly http: OutgoingHttp;
}

const timing = { answerWithinMs: 1_000, everyMs: 50, untilMs: 30_000 };

/** Makes the probe. Each path needs the service that it stands for. */
export function trafficProbe(options: TrafficProbeOptions): TrafficProbe {
  const { clock, timers, productId, orderId } = options;
  const paths: Readonly<Record<string, string>> = {
    gateway: '/healthz',
    users: '/v1/me',
    catalog: `/v1/products/${productId}`,
    inventory: `/v1/products/${productId}/stock`,
    cart: '/v1/cart',
    order: `/v1/orders/${orderId}`,
    payment: `/v1/payments/${orderId}`,
    shipping: '/v1/shipping/quotes?country=DE',
    notification: '/v1/notifications?pageSize=1',
    recommendation: `/v1/products/${productId}/recommendations`,
  };
  const waiting = new Map<string, Set<Waiter>>();

  const goesWell = async (path: string): Promise<boolean> => {
    try {
      const { status } = await options.http({
        method: 'GET',
        url: new URL(path, options.shopUrl),
        headers: { authorization: `Bearer ${options.token}` },
        signal: AbortSignal.timeout(timing.answerWithinMs),
      });
      return status >= 200 && status < 300;
    } catch {
      return false;
    }
  };

  const ask = async (path: string, waiters: Set<Waiter>): Promise<void> => {
    while (waiters.size > 0) {
      const begunMs = clock.monotonicMs();
      const well = await goesWell(path);
      const nowMs = clock.monotonicMs();
      for (const waiter of waiters) {
        const back = well && waiter.sinceMs <= begunMs;
        if (!back && !waiter.signal.aborted && nowMs < waiter.sinceMs + timing.untilMs) continue;
        waiters.delete(waiter);
        waiter.told(back ? nowMs : undefined);
      }
      if (waiters.size > 0) await timers.sleep(timing.everyMs);
    }
  };

  return {
    untilBack: (service, signal) => {
      const path = paths[service];
      if (path === undefined) throw new RangeError(`there is no probe for ${service}`);
      return new Promise((told) => {
        const waiters = waiting.get(service) ?? new Set();
        waiting.set(service, waiters);
        waiters.add({ sinceMs: clock.monotonicMs(), signal, told });
        if (waiters.size === 1) void ask(path, waiters);
      });
    },
  };
}

/** Someone who waits for a service to be back. */
interface Waiter {
  readonly sinceMs: number;
  readonly signal: AbortSignal;
  told(backAtMs: number | undefined): void;
}
