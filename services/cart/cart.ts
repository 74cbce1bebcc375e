import { MeshError } from '../../mesh/contract/error.js';
import { multiply, sum } from '../../mesh/contract/money.js';
import type { Cart } from '../../proto/gen/meshmart/cart/v1/cart.js';
import type { Money } from '../../proto/gen/meshmart/type/v1/money.js';

/** Most pieces of one product in a cart. */
export const maxQuantity = 99;
/** Most lines of a cart. */
export const maxLines = 100;

/** A line as it is kept. */
export interface Line {
  readonly productId: string;
  readonly productName: string;
  readonly quantity: number;
  /** What a piece cost when it was put in: what the buyer agreed to. */
  readonly unitPrice: Money;
}

/** What is known of a product when it is put in. */
export type Article = Omit<Line, 'quantity'>;

/**
 * Puts pieces in; the line takes the price of today.
 * @throws MeshError FAILED_PRECONDITION: CART_LINE_LIMIT or CART_FULL.
 */
export function addLine(lines: readonly Line[], article: Article, quantity: number): Line[] {
  const before = lines.find((line) => line.productId === article.productId);
  const total = (before?.quantity ?? 0) + quantity;
  if (total > maxQuantity) {
    throw new MeshError({
      code: 'FAILED_PRECONDITION',
      reason: 'CART_LINE_LIMIT',
      message: `${article.productId} would be ${total} times in the cart: at most ${maxQuantity} are possible`,
      metadata: {
        productId: article.productId,
        inCart: String(before?.quantity ?? 0),
        limit: String(maxQuantity),
      },
    });
  }
  if (before !== undefined)
    return lines.map((line) => (line === before ? { ...article, quantity: total } : line));
  if (lines.length >= maxLines) {
    throw new MeshError({
      code: 'FAILED_PRECONDITION',
      reason: 'CART_FULL',
      message: `the cart has ${maxLines} lines already: remove one first`,
    });
  }
  return [...lines, { ...article, quantity }];
}

/** Sets the pieces of a line. @throws MeshError NOT_FOUND (CART_LINE_NOT_FOUND). */
export function setQuantity(lines: readonly Line[], productId: string, quantity: number): Line[] {
  if (!lines.some((line) => line.productId === productId)) {
    throw new MeshError({
      code: 'NOT_FOUND',
      reason: 'CART_LINE_NOT_FOUND',
      message: `${productId} is not in the cart: add it first`,
    });
  }
  return lines.map((line) => (line.productId === productId ? { ...line, quantity } : line));
}

export function removeLine(lines: readonly Line[], productId: string): Line[] {
  return lines.filter((line) => line.productId !== productId);
}

/** A guest's lines on top of a user's: quantities add up to the limit, the user's own price stays. What does not fit is left. */
export function mergeLines(lines: readonly Line[], guests: readonly Line[]): Line[] {
  const merged = lines.map((line) => {
    const guest = guests.find((candidate) => candidate.productId === line.productId);
    return guest === undefined
      ? line
      : { ...line, quantity: Math.min(maxQuantity, line.quantity + guest.quantity) };
  });
  const added = guests.filter((guest) => !lines.some((line) => line.productId === guest.productId));
  return [...merged, ...added].slice(0, maxLines);
}

/** Takes out what was ordered; what was put in since stays. */
export function subtractLines(
  lines: readonly Line[],
  ordered: readonly Pick<Line, 'productId' | 'quantity'>[],
): Line[] {
  return lines.flatMap((line) => {
    const taken = ordered
      .filter((order) => order.productId === line.productId)
      .reduce((total, order) => total + order.quantity, 0);
    return line.quantity > taken ? [{ ...line, quantity: line.quantity - taken }] : [];
  });
}

/** A cart as the contract shows it. */
export function cartOf(lines: readonly Line[], version: number): Cart {
  const shown = lines.map((line) => ({ ...line, lineTotal: multiply(line.unitPrice, line.quantity) }));
  const [first] = shown;
  return {
    lines: shown,
    subtotal:
      first === undefined
        ? undefined
        : sum(
            first.unitPrice.currencyCode,
            shown.map((line) => line.lineTotal),
          ),
    version: BigInt(version),
  };
}
