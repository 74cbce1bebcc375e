import type { Subscription } from './bus.js';

/**
 * A subscription that is handed each message once as long as it is remembered: what was published twice under one id, and
 * what a broker sends again though it was handled. Memory of one process, not a promise: the consumer's inbox is that.
 * @param remembered how many ids of handled messages are kept; the oldest are forgotten.
 */
export function onceEach(subscription: Subscription, remembered = 10_000): Subscription {
  const handled = new Set<string>();
  return {
    ...subscription,
    handle: async (delivery) => {
      if (handled.has(delivery.id)) return;
      await subscription.handle(delivery);
      handled.add(delivery.id);
      if (handled.size <= remembered) return;
      for (const oldest of handled) {
        handled.delete(oldest);
        break;
      }
    },
  };
}
