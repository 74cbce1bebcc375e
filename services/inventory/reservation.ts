import { MeshError } from '../../mesh/contract/error.js';

/** Pieces of one product. */
export interface Line {
  readonly productId: string;
  readonly quantity: number;
}

/**
 * How a reservation stands.
 * - `held`: the pieces are set aside.
 * - `committed`: they are sold.
 * - `released`: the order gave them back, or said before any were set aside that none shall be.
 * - `expired`: the sweep gave them back, because order knew of no wish for them.
 */
export type State = 'held' | 'committed' | 'released' | 'expired';

/** What is set aside for one order. A tombstone has no lines. */
export interface Reservation {
  readonly id: string;
  readonly orderId: string;
  /** Sorted by product, each product once. */
  readonly lines: readonly Line[];
  readonly state: State;
  /** When to ask order about it (milliseconds since the epoch). */
  readonly expiresAtMs: number;
}

/** Where pieces go from and to, for each line of the reservation. */
export type Movement =
  | 'available>reserved'
  | 'reserved>available'
  | 'reserved>committed'
  | 'available>committed';

/** What a command does. Without a movement the stock stays; without `changed` everything stays. */
export interface Decision {
  readonly reservation: Reservation;
  readonly changed: boolean;
  readonly movement?: Movement;
}

/** Pieces that can be reserved, by product; a product that is not stocked is not in it. */
export type Available = ReadonlyMap<string, number>;

/** Lines sorted by product, quantities of the same product added up: the form in which two requests can be compared. */
export function mergeLines(lines: readonly Line[]): Line[] {
  const merged = new Map<string, number>();
  for (const { productId, quantity } of lines) {
    merged.set(productId, (merged.get(productId) ?? 0) + quantity);
  }
  return [...merged]
    .map(([productId, quantity]) => ({ productId, quantity }))
    .sort((left, right) => (left.productId < right.productId ? -1 : 1));
}

/**
 * Sets pieces aside: all lines or none. A repetition with the same lines finds what the first one made.
 * @param wanted what to make when the order has no reservation; its lines are merged.
 * @throws MeshError FAILED_PRECONDITION (OUT_OF_STOCK, RESERVATION_VOIDED, CONFLICT), NOT_FOUND (PRODUCT_NOT_FOUND).
 */
export function decideReserve(
  existing: Reservation | undefined,
  wanted: Omit<Reservation, 'state'>,
  available: Available,
): Decision {
  if (existing === undefined) {
    refuseUnstocked(wanted.lines, available);
    refuseMissing(wanted.lines, available);
    return { reservation: { ...wanted, state: 'held' }, changed: true, movement: 'available>reserved' };
  }
  switch (existing.state) {
    case 'held':
    case 'committed':
      if (!sameLines(existing.lines, wanted.lines)) throw otherLines(existing.orderId);
      return unchanged(existing);
    case 'released':
    case 'expired':
      throw voided(existing.orderId);
    default:
      return existing.state satisfies never;
  }
}

/**
 * Sells what is set aside. What has expired is sold all the same while there is enough: the order is confirmed by then
 * and only goes forward.
 * @throws MeshError NOT_FOUND (RESERVATION_NOT_FOUND), FAILED_PRECONDITION (OUT_OF_STOCK, RESERVATION_VOIDED).
 */
export function decideCommit(
  existing: Reservation | undefined,
  orderId: string,
  available: Available,
): Decision {
  if (existing === undefined) {
    throw new MeshError({
      code: 'NOT_FOUND',
      reason: 'RESERVATION_NOT_FOUND',
      message: `nothing was reserved for order ${orderId}: reserve first`,
    });
  }
  const committed: Reservation = { ...existing, state: 'committed' };
  switch (existing.state) {
    case 'held':
      return { reservation: committed, changed: true, movement: 'reserved>committed' };
    case 'committed':
      return unchanged(existing);
    case 'expired':
      refuseMissing(existing.lines, available);
      return { reservation: committed, changed: true, movement: 'available>committed' };
    case 'released':
      throw voided(orderId);
    default:
      return existing.state satisfies never;
  }
}

/**
 * Gives back what is set aside. For an order without a reservation it leaves a tombstone, so that a Reserve that comes
 * late is refused.
 * @param tombstone id and moment for the tombstone.
 * @throws MeshError FAILED_PRECONDITION (CONFLICT) when the pieces are sold.
 */
export function decideRelease(
  existing: Reservation | undefined,
  tombstone: Pick<Reservation, 'id' | 'orderId' | 'expiresAtMs'>,
): Decision {
  if (existing === undefined) {
    return { reservation: { ...tombstone, lines: [], state: 'released' }, changed: true };
  }
  const released: Reservation = { ...existing, state: 'released' };
  switch (existing.state) {
    case 'held':
      return { reservation: released, changed: true, movement: 'reserved>available' };
    case 'expired':
      return { reservation: released, changed: true };
    case 'released':
      return unchanged(existing);
    case 'committed':
      throw new MeshError({
        code: 'FAILED_PRECONDITION',
        reason: 'CONFLICT',
        message: `the pieces of order ${existing.orderId} are sold: they can't be released any more`,
      });
    default:
      return existing.state satisfies never;
  }
}

function unchanged(reservation: Reservation): Decision {
  return { reservation, changed: false };
}

function sameLines(left: readonly Line[], right: readonly Line[]): boolean {
  return (
    left.length === right.length &&
    left.every((line, index) => {
      const other = right[index];
      return line.productId === other?.productId && line.quantity === other.quantity;
    })
  );
}

function refuseUnstocked(lines: readonly Line[], available: Available): void {
  const unstocked = lines.map(({ productId }) => productId).filter((productId) => !available.has(productId));
  if (unstocked.length > 0) throw productNotStocked(unstocked);
}

function refuseMissing(lines: readonly Line[], available: Available): void {
  const missing = lines.filter(({ productId, quantity }) => (available.get(productId) ?? 0) < quantity);
  if (missing.length === 0) return;
  const left = missing.map(({ productId }) => [productId, String(available.get(productId) ?? 0)] as const);
  throw new MeshError({
    code: 'FAILED_PRECONDITION',
    reason: 'OUT_OF_STOCK',
    message: `too few pieces: ${left.map(([productId, pieces]) => `${productId} has ${pieces}`).join(', ')}; order fewer`,
    metadata: Object.fromEntries(left),
  });
}

/** NOT_FOUND for products that inventory does not know. */
export function productNotStocked(productIds: readonly string[]): MeshError {
  return new MeshError({
    code: 'NOT_FOUND',
    reason: 'PRODUCT_NOT_FOUND',
    message: `not stocked: ${productIds.join(', ')}; use ids that the catalogue lists`,
    metadata: { productIds: productIds.join(',') },
  });
}

function voided(orderId: string): MeshError {
  return new MeshError({
    code: 'FAILED_PRECONDITION',
    reason: 'RESERVATION_VOIDED',
    message: `the reservation of order ${orderId} was released: place a new order`,
  });
}

function otherLines(orderId: string): MeshError {
  return new MeshError({
    code: 'FAILED_PRECONDITION',
    reason: 'CONFLICT',
    message: `order ${orderId} has a reservation of other lines: release it, and reserve for a new order`,
  });
}
