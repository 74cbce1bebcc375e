import { expect } from 'chai';
import fc from 'fast-check';
import { maskCards, passesLuhn } from './card-mask.js';

/** A number of 13 to 19 digits whose check digit is right. */
const cardNumber = fc.array(fc.nat(9), { minLength: 12, maxLength: 18 }).map((digits) => {
  const check = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].find((digit) => passesLuhn([...digits, digit]));
  return [...digits, check].join('');
});

describe('card mask', () => {
  it('knows right check digits from wrong ones', () => {
    const digits = (text: string) => Array.from(text, Number);
    for (const good of ['4242424242424242', '5555555555554444', '378282246310005', '6011111111111117']) {
      expect(passesLuhn(digits(good)), good).to.equal(true);
      expect(
        passesLuhn(digits(good.replace(/.$/, (last) => String((Number(last) + 1) % 10)))),
        good,
      ).to.equal(false);
    }
  });

  it('leaves the last four digits of a card number', () => {
    expect(maskCards('paid with 4242424242424242 today')).to.equal('paid with ************4242 today');
    expect(maskCards('4242 4242 4242 4242')).to.equal('**** **** **** 4242');
    expect(maskCards('{"pan":"3782-822463-10005"}')).to.equal('{"pan":"****-******-*0005"}');
  });

  it('masks a card number wherever it stands and however it is grouped', () => {
    const around = fc.string({ maxLength: 12 }).map((text) => text.replace(/\d/g, 'x'));
    const separator = fc.constantFrom('', ' ', '-', '\u00a0', '\t');
    fc.assert(
      fc.property(around, cardNumber, separator, around, (before, number, between, after) => {
        const grouped = (number.match(/.{1,4}/g) ?? []).join(between);
        const masked = maskCards(before + grouped + after);
        expect(masked.startsWith(before)).to.equal(true);
        expect(masked.replace(/\D/g, '')).to.equal(number.slice(-4));
      }),
    );
  });

  it('lets no more than the last four digits of a card number through when other digits touch it', () => {
    const digits = fc.array(fc.nat(9), { maxLength: 8 }).map((list) => list.join(''));
    fc.assert(
      fc.property(digits, cardNumber, digits, (before, number, after) => {
        const masked = maskCards(before + number + after);
        expect(masked.slice(before.length, before.length + number.length - 4)).to.match(/^\*+$/);
      }),
    );
  });

  it('changes nothing in a text without 13 digits in a row', () => {
    fc.assert(
      fc.property(fc.array(fc.stringMatching(/^\d{0,12}[^\d\s-]$/)), (parts) => {
        expect(maskCards(parts.join(''))).to.equal(parts.join(''));
      }),
    );
  });

  it('keeps the length of a text and finds nothing more in what it has masked', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[\d -]{0,60}$/), (text) => {
        const masked = maskCards(text);
        expect(masked).to.have.length(text.length);
        expect(maskCards(masked)).to.equal(masked);
      }),
    );
  });

  it('is quick with a long run of digits', () => {
    expect(maskCards('1'.repeat(8_192))).to.have.length(8_192);
  });
});
