import { finalStates } from '../workload/shop-client.js';
import type { Evidence, Violation } from './evidence.js';

/**
 * I1: an acknowledged order exists for ever and comes to its end; what was refused, or ordered once, is there no time or
 * once. I9: what a buyer sees of an order never goes back. I14: most of it worked, else nothing was shown.
 */
export function checkOrders({ purchases, orders, sale }: Evidence): Violation[] {
  const byId = new Map(orders.map((order) => [order.id, order]));
  const violations: Violation[] = [];
  const found = (invariant: string, subject: string, message: string) =>
    violations.push({ invariant, subject, message });
  const claimed = new Set<string>();

  for (const { key, orderId, attempts, refused, sightings } of purchases) {
    if (orderId === undefined) {
      if (refused === undefined && attempts.every(({ outcome }) => outcome === 'info'))
        found(
          'I1',
          key,
          `no answer was had in ${attempts.length} attempts, also after all faults were healed`,
        );
      continue;
    }
    if (claimed.has(orderId)) found('I1', orderId, 'two purchases were given the same order');
    claimed.add(orderId);
    const order = byId.get(orderId);
    if (order === undefined) found('I1', orderId, `was acknowledged for ${key} and is not there`);
    else if (!finalStates.includes(order.state))
      found('I1', orderId, `stays ${order.state} after all faults were healed`);
    let seen = 0;
    let end: string | undefined;
    for (const { version, state } of sightings) {
      if (version < seen) found('I9', orderId, `went back from version ${seen} to ${version}`);
      if (end !== undefined && state !== end) found('I9', orderId, `was ${end}, and then ${state}`);
      seen = Math.max(seen, version);
      if (finalStates.includes(state)) end = state;
    }
    if (order !== undefined && end !== undefined && order.state !== end)
      found('I9', orderId, `was ${end}, and is ${order.state} now`);
  }
  for (const { id, state } of orders) {
    if (!finalStates.includes(state) && !claimed.has(id))
      found('I1', id, `nobody was told of it, and it stays ${state}`);
  }
  // An order that nobody was told of belongs to a purchase without an answer; else a key made two.
  const untold = orders.filter(({ id }) => !claimed.has(id)).length;
  const unanswered = purchases.filter(
    ({ orderId, refused }) => orderId === undefined && refused === undefined,
  );
  if (untold > unanswered.length)
    found('I1', `${untold} orders`, `belong to no purchase: ${unanswered.length} purchases have no answer`);
  // Most of those who came for the sale went home with nothing, as they should.
  const usual = purchases.filter(({ key }) => sale?.keys.has(key) !== true);
  const ended = usual.filter(({ orderId }) => byId.get(orderId ?? '')?.state === 'SHIPPED').length;
  if (usual.length >= 20 && ended < usual.length / 2)
    found('I14', `${ended} of ${usual.length}`, 'purchases ended well: too few to show anything');
  return violations;
}
