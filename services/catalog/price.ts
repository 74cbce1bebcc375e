import type { FieldViolation } from '../../mesh/contract/error.js';
import type { Money } from '../../proto/gen/meshmart/type/v1/money.js';

/** The currency that the shop trades in. */
export const currency = 'EUR';

const centNanos = 10_000_000;
const mostUnits = 100_000n;

/** The rules that a price breaks: EUR, whole cents, from 0.01 to 100000.00. `field` is the price's own path. */
export function priceViolations(price: Money, field = 'price'): FieldViolation[] {
  const violations: FieldViolation[] = [];
  const refuse = (part: string, rule: string, message: string) =>
    violations.push({ field: `${field}.${part}`, rule, message });
  if (price.currencyCode !== currency) refuse('currencyCode', 'price.currency', `must be ${currency}`);
  if (price.units < 0n || price.units > mostUnits) {
    refuse('units', 'price.range', `must be from 0 to ${mostUnits}`);
  } else if (price.units === mostUnits && price.nanos > 0) {
    refuse('nanos', 'price.range', `must be 0 with ${mostUnits} units: that is the most`);
  }
  if (price.nanos < 0 || price.nanos >= 1e9 || price.nanos % centNanos !== 0) {
    refuse('nanos', 'price.cents', `must be whole cents: a multiple of ${centNanos} below 1000000000`);
  }
  if (price.units === 0n && price.nanos === 0) refuse('units', 'price.positive', 'must be above zero');
  return violations;
}
