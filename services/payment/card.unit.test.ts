import { expect } from 'chai';
import fc from 'fast-check';
import { seededRandom } from '../../mesh/testing/seeded-random.js';
import { brandOf, checkCard, passesLuhn } from './card.js';
import { bookings, decideChange, type PaymentChange, type PaymentStatus } from './payment-state.js';
import { createVault } from './vault.js';

const now = Date.UTC(2026, 10, 23);
const good = { cardNumber: '4242 4242 4242 4242', expiryMonth: 11, expiryYear: 2026, cvc: '123' };
const fieldsOf = (card: Partial<typeof good>) =>
  checkCard({ ...good, ...card }, now).map(({ field, rule }) => `${field} ${rule}`);

describe('a card', () => {
  it('is taken with spaces, until the end of its month', () => {
    expect(fieldsOf({})).to.deep.equal([]);
    expect(checkCard(good, Date.UTC(2026, 10, 30, 23, 59))).to.deep.equal([]);
    expect(fieldsOf({ expiryMonth: 10 })).to.deep.equal(['expiryMonth card.expired']);
  });

  it('is refused with a wrong digit, length, letter or security code, and the number is not repeated', () => {
    expect(fieldsOf({ cardNumber: '4242424242424241' })).to.deep.equal(['cardNumber card.luhn']);
    expect(fieldsOf({ cardNumber: '424242424242424' })).to.deep.equal(['cardNumber card.luhn']);
    expect(fieldsOf({ cardNumber: '4242-4242-4242-4242' })).to.deep.equal(['cardNumber card.digits']);
    expect(fieldsOf({ cvc: '1234' })).to.deep.equal(['cvc card.cvc']);
    expect(fieldsOf({ cardNumber: '378282246310005', cvc: '1234' })).to.deep.equal([]);
    expect(JSON.stringify(checkCard({ ...good, cardNumber: '4242424242424241' }, now))).not.to.contain(
      '424242',
    );
  });

  it('has a brand', () => {
    expect(
      ['4242424242424242', '5555555555554444', '378282246310005', '6011000990139424', '9000000000000000'].map(
        brandOf,
      ),
    ).to.deep.equal(['visa', 'mastercard', 'amex', 'discover', 'other']);
  });

  it('fails the check with any one digit changed', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 15 }), fc.integer({ min: 1, max: 9 }), (position, change) => {
        const digits = [...'4242424242424242'];
        digits[position] = String((Number(digits[position]) + change) % 10);
        expect(passesLuhn(digits.join(''))).to.equal(false);
      }),
    );
  });
});

describe('the vault', () => {
  const vault = createVault(new Uint8Array(32).fill(5), {
    ...seededRandom(1),
    secretBytes: (length: number) => seededRandom(2).bytes(length),
  });

  it('gives a number back only with its token and unchanged', () => {
    const sealed = vault.seal('4242424242424242', 'tok_1');
    expect(Buffer.from(sealed).toString('latin1')).not.to.contain('4242');
    expect(vault.open(sealed, 'tok_1')).to.equal('4242424242424242');
    expect(() => vault.open(sealed, 'tok_2')).to.throw();
    for (let position = 0; position < sealed.length; position += 1) {
      const changed = Uint8Array.from(sealed);
      changed[position] = (changed[position] ?? 0) ^ 1;
      expect(() => vault.open(changed, 'tok_1'), `byte ${position}`).to.throw();
    }
  });
});

describe('a payment', () => {
  const states: PaymentStatus[] = ['pending', 'authorized', 'declined', 'captured', 'voided', 'refunded'];
  const table: Record<PaymentChange, Partial<Record<PaymentStatus, 'make' | 'done'>>> = {
    capture: { authorized: 'make', captured: 'done', refunded: 'done' },
    void: { pending: 'make', authorized: 'make', voided: 'done', declined: 'done' },
    refund: { captured: 'make', refunded: 'done' },
  };
  for (const [change, allowed] of Object.entries(table) as [PaymentChange, (typeof table)[PaymentChange]][]) {
    for (const state of states) {
      it(`that is ${state} answers ${change} with ${allowed[state] ?? 'a refusal'}`, () => {
        if (allowed[state] !== undefined) expect(decideChange(state, change)).to.equal(allowed[state]);
        else expect(() => decideChange(state, change)).to.throw(/is not possible/);
      });
    }
  }

  it('books every change so that the sum of all accounts stays zero', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 1n, max: 10n ** 9n }),
        fc.constantFrom('authorize', 'capture', 'void', 'refund'),
        (units, change) => {
          const sum = bookings(change, { currencyCode: 'EUR', units, nanos: 5 }).reduce(
            (total, { nanos }) => total + nanos,
            0n,
          );
          expect(sum).to.equal(0n);
        },
      ),
    );
  });

  it('leaves nothing held or owed once it is captured or voided', () => {
    const amount = { currencyCode: 'EUR', units: 12n, nanos: 0 };
    for (const end of ['capture', 'void'] as const) {
      const all = [...bookings('authorize', amount), ...bookings(end, amount)];
      for (const account of ['held', 'owed by card']) {
        expect(
          all
            .filter((booking) => booking.account === account)
            .reduce((total, { nanos }) => total + nanos, 0n),
        ).to.equal(0n);
      }
    }
  });
});
