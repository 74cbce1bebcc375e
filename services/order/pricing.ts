import { invalidField, MeshError } from '../../mesh/contract/error.js';
import { add, decimal, equal, format, multiply, sum, zero } from '../../mesh/contract/money.js';
import type { CartLine } from '../../proto/gen/meshmart/cart/v1/cart.js';
import type { Product } from '../../proto/gen/meshmart/catalog/v1/catalog.js';
import type { OrderLine } from '../../proto/gen/meshmart/order/v1/order.js';
import type { ShippingOption } from '../../proto/gen/meshmart/shipping/v1/shipping.js';
import type { Money } from '../../proto/gen/meshmart/type/v1/money.js';

/** What an order costs. */
export interface PricedOrder {
  readonly lines: OrderLine[];
  readonly subtotal: Money;
  readonly shippingCost: Money;
  readonly total: Money;
}

/** The lines of a cart at today's prices. @throws MeshError FAILED_PRECONDITION when a product is not sold any more. */
export function orderLines(cart: readonly CartLine[], products: readonly Product[]): OrderLine[] {
  return cart.map((line) => {
    const product = products.find((candidate) => candidate.id === line.productId);
    if (product?.price === undefined) {
      throw new MeshError({
        code: 'FAILED_PRECONDITION',
        reason: 'PRODUCT_NOT_FOUND',
        message: `${line.productId} is not sold any more: take it out of the cart`,
        metadata: { productId: line.productId },
      });
    }
    return {
      productId: product.id,
      productName: product.name,
      quantity: line.quantity,
      unitPrice: product.price,
      lineTotal: multiply(product.price, line.quantity),
      weightGrams: product.weightGrams,
    };
  });
}

/** Heaviest that shipping's contract takes; an order above it is quoted and shipped as one of this weight. */
const maxWeightGrams = 1_000_000;

/** Weight of all pieces, in grams, as shipping is asked about it before the order and after the pivot. */
export function weightOf(lines: readonly OrderLine[]): number {
  return Math.min(
    maxWeightGrams,
    lines.reduce((grams, line) => grams + line.weightGrams * line.quantity, 0),
  );
}

/**
 * Puts lines and shipping together, and makes sure that the buyer agreed to the result: to `expectedTotal`, or without it to
 * the prices that the cart's lines were put in at. A difference is never passed over.
 * @throws MeshError ABORTED (PRICE_CHANGED) with the new total, INVALID_ARGUMENT for an unknown way to ship.
 */
export function priceOrder(
  lines: OrderLine[],
  cart: readonly CartLine[],
  options: readonly ShippingOption[],
  optionId: string,
  expectedTotal: Money | undefined,
): PricedOrder {
  const option = options.find((candidate) => candidate.id === optionId);
  if (option?.cost === undefined) {
    const known = options.map((candidate) => candidate.id).join(', ');
    throw invalidField('shippingOptionId', 'known', `must be one of ${known}`, 'SHIPPING_OPTION_NOT_FOUND');
  }
  const currency = option.cost.currencyCode;
  const subtotal = sum(
    currency,
    lines.map((line) => line.lineTotal ?? zero(currency)),
  );
  const total = add(subtotal, option.cost);
  const agreed =
    expectedTotal ??
    add(
      sum(
        currency,
        cart.map((line) => line.lineTotal ?? zero(currency)),
      ),
      option.cost,
    );
  if (!equal(agreed, total)) {
    throw new MeshError({
      code: 'ABORTED',
      reason: 'PRICE_CHANGED',
      message: `the total is ${format(total)} now, not ${format(agreed)}: show it to the buyer and order again with expectedTotal`,
      metadata: {
        newTotal: decimal(total),
        newTotalUnits: String(total.units),
        newTotalNanos: String(total.nanos),
        currencyCode: total.currencyCode,
      },
    });
  }
  return { lines, subtotal, shippingCost: option.cost, total };
}
