import { MeshError } from '../../mesh/contract/error.js';
import { toNanos } from '../../mesh/contract/money.js';
import type { Money } from '../../proto/gen/meshmart/type/v1/money.js';

/** How a payment stands. `pending`: the processor was asked, and the answer is not known. */
export type PaymentStatus = 'pending' | 'authorized' | 'declined' | 'captured' | 'voided' | 'refunded';

/** A change that a payment can go through. */
export type PaymentChange = 'capture' | 'void' | 'refund';

/**
 * Whether a change is to be made, was made, or can't be. Pure.
 * @throws MeshError FAILED_PRECONDITION (PAYMENT_STATE).
 */
export function decideChange(state: PaymentStatus, change: PaymentChange): 'make' | 'done' {
  switch (change) {
    case 'capture':
      if (state === 'captured' || state === 'refunded') return 'done';
      if (state === 'authorized') return 'make';
      break;
    case 'void':
      if (state === 'voided' || state === 'declined') return 'done';
      if (state === 'authorized' || state === 'pending') return 'make';
      break;
    case 'refund':
      if (state === 'refunded') return 'done';
      if (state === 'captured') return 'make';
      break;
    default:
      change satisfies never;
  }
  throw new MeshError({
    code: 'FAILED_PRECONDITION',
    reason: 'PAYMENT_STATE',
    message: `the payment is ${state}: a ${change} is not possible`,
    metadata: { state },
  });
}

/** One side of a booking; the sides of an entry add up to zero. */
export interface Booking {
  readonly account: 'held' | 'owed by card' | 'revenue' | 'cash';
  readonly nanos: bigint;
}

/**
 * Double entry: what each change books. Holding is a claim on the card; capturing turns it into cash and revenue; voiding and
 * refunding book back.
 */
export function bookings(change: 'authorize' | PaymentChange, amount: Money): Booking[] {
  const nanos = toNanos(amount);
  switch (change) {
    case 'authorize':
      return [
        { account: 'owed by card', nanos },
        { account: 'held', nanos: -nanos },
      ];
    case 'void':
      return [
        { account: 'held', nanos },
        { account: 'owed by card', nanos: -nanos },
      ];
    case 'capture':
      return [
        { account: 'held', nanos },
        { account: 'owed by card', nanos: -nanos },
        { account: 'cash', nanos },
        { account: 'revenue', nanos: -nanos },
      ];
    case 'refund':
      return [
        { account: 'revenue', nanos },
        { account: 'cash', nanos: -nanos },
      ];
    default:
      return change satisfies never;
  }
}
