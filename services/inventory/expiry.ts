import type { Reservation } from './reservation.js';

/**
 * What order says of a reservation's order.
 * - `pending`: not decided. `confirmed`: it will be sold. `abandoned`: refused or cancelled. `unknown`: no such order.
 * - `silent`: order gave no answer, or one that this version does not know.
 */
export type Wish = 'pending' | 'confirmed' | 'abandoned' | 'unknown' | 'silent';

/** What the sweep does with a reservation whose time is over. */
export type Fate =
  | { readonly kind: 'keep' }
  | { readonly kind: 'extend'; readonly expiresAtMs: number }
  | { readonly kind: 'expire' };

/**
 * Pieces are given back only when order says that nobody waits for them; silence changes nothing. A confirmed order's
 * pieces stay until they are sold, and order is asked again after as long a time, so that they don't stand first in
 * every sweep.
 */
export function fateOf(wish: Wish, nowMs: number, reservationMs: number): Fate {
  switch (wish) {
    case 'pending':
    case 'confirmed':
      return { kind: 'extend', expiresAtMs: nowMs + reservationMs };
    case 'abandoned':
    case 'unknown':
      return { kind: 'expire' };
    case 'silent':
      return { kind: 'keep' };
    default:
      return wish satisfies never;
  }
}

/** True when the sweep has to ask about it. */
export function isOverdue(reservation: Pick<Reservation, 'state' | 'expiresAtMs'>, nowMs: number): boolean {
  return reservation.state === 'held' && reservation.expiresAtMs <= nowMs;
}
