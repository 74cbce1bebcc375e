import { expect } from 'chai';
import { priceViolations } from './price.js';

const fieldsOf = (price: Parameters<typeof priceViolations>[0]) =>
  priceViolations(price).map(({ field }) => field);

describe('price rules', () => {
  it('take whole cents of euros', () => {
    for (const [units, nanos] of [
      [0n, 10_000_000],
      [19n, 990_000_000],
      [100_000n, 0],
    ] as const) {
      expect(fieldsOf({ currencyCode: 'EUR', units, nanos })).to.deep.equal([]);
    }
  });

  it('take 100000.00 and not a cent more', () => {
    expect(fieldsOf({ currencyCode: 'EUR', units: 99_999n, nanos: 990_000_000 })).to.deep.equal([]);
    expect(fieldsOf({ currencyCode: 'EUR', units: 100_000n, nanos: 0 })).to.deep.equal([]);
    expect(fieldsOf({ currencyCode: 'EUR', units: 100_000n, nanos: 10_000_000 })).to.deep.equal([
      'price.nanos',
    ]);
  });

  it('name the part that is wrong', () => {
    expect(fieldsOf({ currencyCode: 'USD', units: 1n, nanos: 0 })).to.deep.equal(['price.currencyCode']);
    expect(fieldsOf({ currencyCode: 'EUR', units: -1n, nanos: 0 })).to.deep.equal(['price.units']);
    expect(fieldsOf({ currencyCode: 'EUR', units: 100_001n, nanos: 0 })).to.deep.equal(['price.units']);
    expect(fieldsOf({ currencyCode: 'EUR', units: 1n, nanos: 5_000_000 })).to.deep.equal(['price.nanos']);
    expect(fieldsOf({ currencyCode: 'EUR', units: 1n, nanos: -10_000_000 })).to.deep.equal(['price.nanos']);
    expect(fieldsOf({ currencyCode: 'EUR', units: 0n, nanos: 0 })).to.deep.equal(['price.units']);
    expect(fieldsOf({ currencyCode: '', units: 0n, nanos: 0 })).to.deep.equal([
      'price.currencyCode',
      'price.units',
    ]);
  });
});
