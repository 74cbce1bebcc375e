import type { Ambient } from '../../mesh/runtime/ports.js';
import type { Evidence } from '../invariants/evidence.js';
import { checkMails } from '../invariants/mails.js';
import { finalStates } from '../workload/shop-client.js';
import type { Load, MadePurchase } from './load.js';

const timing = {
  lookEveryMs: 100,
  /** Longest that anything is waited for: far beyond the goal, to tell slow from stuck. */
  finalWithinMs: 60_000,
  /** A mail whose sender was killed is sent by another when its claim is over, after 30 s. */
  mailsWithinMs: 40_000,
};

/** Whether a buyer has nothing more to learn about it. */
const isOver = ({ purchase }: MadePurchase) =>
  purchase.refused !== undefined || finalStates.includes(purchase.last?.state ?? '');

/**
 * Looks at each order that is not final until it is, several times a second.
 * @returns when the last one was seen final, or undefined when that took too long.
 */
export async function untilAllFinal(
  { purchases, filling }: Pick<Load, 'purchases' | 'filling'>,
  { clock, timers }: Pick<Ambient, 'clock' | 'timers'>,
): Promise<number | undefined> {
  const untilMs = clock.monotonicMs() + timing.finalWithinMs;
  for (;;) {
    const open = purchases.filter((one) => !isOver(one));
    if (open.length === 0 && filling() === 0) return clock.monotonicMs();
    if (clock.monotonicMs() > untilMs) return undefined;
    await Promise.all(
      open.map(async ({ purchase, client }) => {
        // Who has no answer yet asks with the key, by itself.
        if (purchase.orderId === undefined) return;
        const order = await client.order(purchase.orderId).catch(() => undefined);
        if (order === undefined) return;
        purchase.last = order;
        purchase.sightings.push({ atMs: clock.monotonicMs(), state: order.state, version: order.version });
      }),
    );
    await timers.sleep(timing.lookEveryMs);
  }
}

/** Waits until the mails about all known orders have come, or for so long that they never will. */
export async function untilMailsCame(
  purchases: readonly MadePurchase[],
  mails: () => Evidence['mails'],
  { clock, timers }: Pick<Ambient, 'clock' | 'timers'>,
): Promise<void> {
  const orders = purchases.flatMap(({ purchase }) =>
    purchase.last ? [{ ...purchase.last, user: purchase.user }] : [],
  );
  const untilMs = clock.monotonicMs() + timing.mailsWithinMs;
  while (clock.monotonicMs() < untilMs) {
    if (checkMails({ orders, mails: mails() }).length === 0) return;
    await timers.sleep(500);
  }
}
