import { expect } from 'chai';
import fc from 'fast-check';
import type { Money } from '../../proto/gen/meshmart/type/v1/money.js';
import { MeshError } from './error.js';
import {
  add,
  compare,
  decimal,
  equal,
  format,
  fromCents,
  fromNanos,
  multiply,
  sum,
  toNanos,
  zero,
} from './money.js';

const most = 2n ** 63n - 1n;
const anyNanos = fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n });
const amount = anyNanos.map((nanos) => fromNanos('EUR', nanos));
const euros = (units: bigint, nanos = 0): Money => ({ currencyCode: 'EUR', units, nanos });

const codeOf = (task: () => unknown) => {
  try {
    task();
  } catch (error) {
    return MeshError.is(error) ? `${error.code} ${error.reason}` : String(error);
  }
  return 'none';
};

describe('an amount of money', () => {
  it('is the same after a way through billionths, cents and text', () => {
    fc.assert(
      fc.property(amount, fc.bigInt({ min: -(10n ** 15n), max: 10n ** 15n }), (money, cents) => {
        expect(fromNanos('EUR', toNanos(money))).to.deep.equal(money);
        expect(toNanos(fromCents('EUR', cents))).to.equal(cents * 10_000_000n);
        const [, sign = '', whole = '', fraction = ''] = /^(-?)(\d+)\.(\d{2,9})$/.exec(decimal(money)) ?? [];
        expect(BigInt(`${sign}${whole}${fraction.padEnd(9, '0')}`)).to.equal(toNanos(money));
      }),
    );
  });

  it('is as the contract wants it: nanos below a unit, and never of the other sign', () => {
    fc.assert(
      fc.property(amount, ({ units, nanos }) => {
        expect(Math.abs(nanos)).to.be.below(1_000_000_000);
        expect(Number.isInteger(nanos) && !Object.is(nanos, -0)).to.equal(true);
        expect((units > 0n && nanos < 0) || (units < 0n && nanos > 0)).to.equal(false);
      }),
    );
  });
});

describe('adding money', () => {
  it('is exact, in any order and any grouping, and zero changes nothing', () => {
    fc.assert(
      fc.property(amount, amount, amount, (a, b, c) => {
        expect(add(a, b)).to.deep.equal(add(b, a));
        expect(add(add(a, b), c)).to.deep.equal(add(a, add(b, c)));
        expect(add(a, zero('EUR'))).to.deep.equal(a);
      }),
    );
  });

  it('of many is adding one by one; of none is zero', () => {
    fc.assert(
      fc.property(fc.array(amount, { maxLength: 20 }), (amounts) => {
        expect(toNanos(sum('EUR', amounts))).to.equal(
          amounts.reduce((total, each) => total + toNanos(each), 0n),
        );
      }),
    );
    expect(sum('EUR', [])).to.deep.equal(zero('EUR'));
  });

  it('does what floating point does not', () => {
    expect(format(add(fromCents('EUR', 10n), fromCents('EUR', 20n)))).to.equal('0.30 EUR');
  });

  it('refuses two currencies and says which', () => {
    const dollars = { ...zero('EUR'), currencyCode: 'USD' };
    expect(codeOf(() => add(zero('EUR'), dollars))).to.equal('INVALID_ARGUMENT VALIDATION_FAILED');
    expect(codeOf(() => sum('EUR', [dollars]))).to.equal('INVALID_ARGUMENT VALIDATION_FAILED');
    expect(() => add(zero('EUR'), dollars)).to.throw("amounts in EUR and USD can't be put together");
  });
});

describe('multiplying money', () => {
  it('is adding that often', () => {
    fc.assert(
      fc.property(amount, fc.integer({ min: 0, max: 99 }), (money, count) => {
        expect(multiply(money, count)).to.deep.equal(sum('EUR', Array<Money>(count).fill(money)));
        expect(multiply(money, BigInt(count))).to.deep.equal(multiply(money, count));
      }),
    );
  });

  it('refuses half a piece', () => {
    expect(() => multiply(euros(1n), 1.5)).to.throw(RangeError);
    expect(() => multiply(euros(1n), Number.NaN)).to.throw(RangeError);
  });
});

describe('comparing money', () => {
  it('orders amounts as their billionths, and equal ones are equal', () => {
    fc.assert(
      fc.property(amount, amount, (a, b) => {
        const expected = toNanos(a) < toNanos(b) ? -1 : toNanos(a) > toNanos(b) ? 1 : 0;
        expect(compare(a, b)).to.equal(expected);
        expect(equal(a, b)).to.equal(expected === 0);
        expect(compare(a, a)).to.equal(0);
      }),
    );
  });

  it('tells currencies apart: they are not equal, and have no order', () => {
    expect(equal(zero('EUR'), zero('USD'))).to.equal(false);
    expect(codeOf(() => compare(zero('EUR'), zero('USD')))).to.equal('INVALID_ARGUMENT VALIDATION_FAILED');
  });
});

describe('the largest amount', () => {
  it('is counted to the last billionth', () => {
    const all = euros(most, 999_999_999);
    expect(fromNanos('EUR', toNanos(all))).to.deep.equal(all);
    expect(add(all, euros(0n, -999_999_999))).to.deep.equal(euros(most));
    expect(multiply(euros(-most, -999_999_999), -1)).to.deep.equal(all);
  });

  const beyond: [what: string, task: () => unknown][] = [
    ['one billionth more', () => add(euros(most, 999_999_999), euros(0n, 1))],
    ['one billionth less at the other end', () => add(euros(-most, -999_999_999), euros(0n, -1))],
    ['twice as much', () => multiply(euros(most), 2)],
    ['a sum of many', () => sum('EUR', [euros(most), euros(1n), euros(-2n)])],
  ];
  for (const [what, task] of beyond) {
    it(`is refused with ${what}, instead of wrapping around`, () => {
      expect(codeOf(task)).to.equal('FAILED_PRECONDITION VALIDATION_FAILED');
    });
  }
});

describe('money in words', () => {
  const cases: [money: Money, text: string][] = [
    [euros(0n), '0.00 EUR'],
    [euros(1n, 500_000_000), '1.50 EUR'],
    [euros(1_234_567n, 890_000_000), '1234567.89 EUR'],
    [euros(0n, 1), '0.000000001 EUR'],
    [euros(0n, 100_000), '0.0001 EUR'],
    [euros(0n, -10_000_000), '-0.01 EUR'],
    [euros(-3n, -70_000_000), '-3.07 EUR'],
    [euros(most, 999_999_999), '9223372036854775807.999999999 EUR'],
  ];
  for (const [money, text] of cases) {
    it(`is ${text}`, () => {
      expect(format(money)).to.equal(text);
    });
  }
});
