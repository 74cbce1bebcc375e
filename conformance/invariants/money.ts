import type { LedgerEntry } from '../../witnesses/card-processor/ledger.js';
import type { Evidence, Violation } from './evidence.js';

/**
 * I2: an order takes money at most once, and exactly its total. I3: money is taken if and only if the order is shipped,
 * and every other hold is let go.
 */
export function checkMoney({ orders, ledger }: Evidence): Violation[] {
  const violations: Violation[] = [];
  const found = (invariant: string, subject: string, message: string) =>
    violations.push({ invariant, subject, message });
  const byOrder = new Map<string, LedgerEntry[]>();
  for (const entry of ledger) {
    const entries = byOrder.get(entry.reference) ?? [];
    byOrder.set(entry.reference, entries);
    entries.push(entry);
  }
  const known = new Set(orders.map(({ id }) => id));
  for (const reference of byOrder.keys())
    if (!known.has(reference))
      found('I3', reference, 'has entries in the ledger, and there is no such order');

  for (const { id, state, total } of orders) {
    const entries = byOrder.get(id) ?? [];
    const of = (type: LedgerEntry['type']) => entries.filter((entry) => entry.type === type);
    const captured = of('captured');
    const refunded = new Set(of('refunded').map(({ authorizationId }) => authorizationId));
    const kept = captured.filter(({ authorizationId }) => !refunded.has(authorizationId));
    if (captured.length > 1) found('I2', id, `was charged ${captured.length} times`);
    for (const entry of captured)
      if (amountOf(entry) !== total) found('I2', id, `was charged ${amountOf(entry)} instead of ${total}`);
    if (state === 'SHIPPED' && kept.length === 0) found('I3', id, 'is shipped, and no money was taken');
    if (state !== 'SHIPPED' && kept.length > 0) found('I3', id, `is ${state}, and its money was taken`);
    const ended = new Set([...captured, ...of('voided')].map(({ authorizationId }) => authorizationId));
    for (const { authorizationId } of of('authorized'))
      if (!ended.has(authorizationId))
        found('I3', id, `is ${state}, and ${authorizationId} still holds money`);
  }
  return violations;
}

function amountOf({ amount }: LedgerEntry): string {
  return `${amount.currencyCode} ${amount.units}.${String(amount.nanos).padStart(9, '0')}`;
}
