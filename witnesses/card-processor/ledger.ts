/** Money as the API has it. */
export interface Amount {
  readonly currencyCode: string;
  /** Whole units, as text. */
  readonly units: string;
  readonly nanos: number;
}

/** One line of the ledger: something that happened to money, or a refusal that a card got. */
export interface LedgerEntry {
  readonly type: 'authorized' | 'declined' | 'captured' | 'voided' | 'refunded';
  readonly authorizationId: string;
  /** What the merchant calls it: the order's id. */
  readonly reference: string;
  readonly amount: Amount;
  /** First six and last four digits; never more. */
  readonly card: string;
  readonly declineReason?: string;
  /** The request that caused it: method, path and the merchant's key. */
  readonly request: { readonly key: string; readonly path: string; readonly bodyHash: string };
  readonly at: string;
}

/** An authorisation as the API shows it. */
export interface Authorization {
  readonly id: string;
  readonly reference: string;
  readonly state: 'authorized' | 'declined' | 'captured' | 'voided' | 'refunded';
  readonly amount: Amount;
  readonly card: string;
  readonly declineReason?: string;
}

/** All authorisations, by id, in the order in which they were made. */
export type Ledger = ReadonlyMap<string, Authorization>;

/** The ledger after one more entry. */
export function evolve(ledger: Map<string, Authorization>, entry: LedgerEntry): void {
  const { authorizationId: id, reference, amount, card, declineReason } = entry;
  const before = ledger.get(id);
  ledger.set(id, {
    ...(before ?? { id, reference, amount, card, ...(declineReason === undefined ? {} : { declineReason }) }),
    state: entry.type,
  });
}

/** Why a change is refused. */
export interface Refusal {
  readonly status: number;
  readonly error: string;
}

/** What may follow on a state. Declined, voided and refunded are final. */
const allowed: Readonly<Record<'captured' | 'voided' | 'refunded', Authorization['state']>> = {
  captured: 'authorized',
  voided: 'authorized',
  refunded: 'captured',
};

/** Whether an authorisation can go to another state; money is taken at most once. */
export function refuseChange(
  authorization: Authorization,
  to: 'captured' | 'voided' | 'refunded',
): Refusal | undefined {
  if (authorization.state === allowed[to]) return undefined;
  return { status: 409, error: authorization.state === to ? `already_${to}` : `is_${authorization.state}` };
}

/** Sums by reference, in billionths of a unit. */
export interface Summary {
  readonly authorized: string;
  readonly captured: string;
  readonly voided: string;
  readonly refunded: string;
}

/** What the ledger comes to, for each reference. */
export function summarize(entries: readonly LedgerEntry[]): Record<string, Summary> {
  const sums: Record<string, Summary> = {};
  for (const { type, reference, amount } of entries) {
    const before = sums[reference] ?? { authorized: '0', captured: '0', voided: '0', refunded: '0' };
    if (type === 'declined') continue;
    sums[reference] = { ...before, [type]: String(BigInt(before[type]) + nanosOf(amount)) };
  }
  return sums;
}

export function nanosOf(amount: Amount): bigint {
  return BigInt(amount.units) * 1_000_000_000n + BigInt(amount.nanos);
}
