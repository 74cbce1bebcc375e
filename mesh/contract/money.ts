import type { Money } from '../../proto/gen/meshmart/type/v1/money.js';
import { MeshError } from './error.js';

const nanosPerUnit = 1_000_000_000n;
const maxUnits = 2n ** 63n - 1n;

/** Nothing, in a currency. */
export function zero(currencyCode: string): Money {
  return { currencyCode, units: 0n, nanos: 0 };
}

/** Money from minor units of a currency with two decimals: `fromCents('EUR', 1999n)` is 19.99 EUR. */
export function fromCents(currencyCode: string, cents: bigint): Money {
  return fromNanos(currencyCode, cents * 10_000_000n);
}

/** @throws MeshError INVALID_ARGUMENT for two currencies, FAILED_PRECONDITION when the sum does not fit. */
export function add(left: Money, right: Money): Money {
  if (left.currencyCode !== right.currencyCode) throw mixed(left, right);
  return fromNanos(left.currencyCode, toNanos(left) + toNanos(right));
}

/** `count` times an amount. @throws MeshError when the product does not fit. */
export function multiply(amount: Money, count: number | bigint): Money {
  return fromNanos(amount.currencyCode, toNanos(amount) * BigInt(count));
}

/** The sum of amounts in one currency; zero of `currencyCode` for none. */
export function sum(currencyCode: string, amounts: readonly Money[]): Money {
  return amounts.reduce(add, zero(currencyCode));
}

/** Negative, zero or positive, as `left` is less than, equal to or more than `right`. */
export function compare(left: Money, right: Money): number {
  if (left.currencyCode !== right.currencyCode) throw mixed(left, right);
  const difference = toNanos(left) - toNanos(right);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

export function equal(left: Money, right: Money): boolean {
  return left.currencyCode === right.currencyCode && toNanos(left) === toNanos(right);
}

/** `19.99 EUR`; two decimals, more only where they are needed. */
export function format(amount: Money): string {
  return `${decimal(amount)} ${amount.currencyCode}`;
}

/** `19.99` */
export function decimal(amount: Money): string {
  const nanos = toNanos(amount);
  const magnitude = nanos < 0n ? -nanos : nanos;
  const fraction = String(magnitude % nanosPerUnit)
    .padStart(9, '0')
    .replace(/0{1,7}$/, '');
  return `${nanos < 0n ? '-' : ''}${magnitude / nanosPerUnit}.${fraction}`;
}

/** The amount in billionths of a unit: one number for arithmetic and storage. */
export function toNanos(amount: Money): bigint {
  return amount.units * nanosPerUnit + BigInt(amount.nanos);
}

/** The amount of so many billionths. @throws MeshError FAILED_PRECONDITION when the units don't fit in 64 bits. */
export function fromNanos(currencyCode: string, nanos: bigint): Money {
  const units = nanos / nanosPerUnit;
  if (units > maxUnits || units < -maxUnits) {
    throw new MeshError({
      code: 'FAILED_PRECONDITION',
      reason: 'VALIDATION_FAILED',
      message: `an amount of ${currencyCode} is larger than the shop can count: order less`,
    });
  }
  return { currencyCode, units, nanos: Number(nanos % nanosPerUnit) };
}

function mixed(left: Money, right: Money): MeshError {
  return new MeshError({
    code: 'INVALID_ARGUMENT',
    reason: 'VALIDATION_FAILED',
    message: `amounts in ${left.currencyCode} and ${right.currencyCode} can't be put together: use one currency`,
  });
}
