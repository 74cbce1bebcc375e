import type { Ambient } from '../../mesh/runtime/ports.js';

/** Asks single services through the public API whether they serve. */
export interface TrafficProbe {
  /**
   * Calls a service until a call goes well, one call after the other, from now on.
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
  readonly fetch: typeof globalThis.fetch;
}

const timing = { answerWithinMs: 1_000, everyMs: 25, untilMs: 30_000 };

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
  return {
    untilBack: async (service, signal) => {
      const path = paths[service];
      if (path === undefined) throw new RangeError(`there is no probe for ${service}`);
      const giveUpMs = clock.monotonicMs() + timing.untilMs;
      while (!signal.aborted && clock.monotonicMs() < giveUpMs) {
        try {
          const answer = await options.fetch(`${options.shopUrl}${path}`, {
            headers: { authorization: `Bearer ${options.token}` },
            signal: AbortSignal.timeout(timing.answerWithinMs),
          });
          await answer.arrayBuffer();
          if (answer.ok) return clock.monotonicMs();
        } catch {
          // Not yet.
        }
        await timers.sleep(timing.everyMs);
      }
      return undefined;
    },
  };
}
