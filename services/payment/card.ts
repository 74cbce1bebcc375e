import type { FieldViolation } from '../../mesh/contract/error.js';

/** A card as a buyer gives it. */
export interface CardInput {
  readonly cardNumber: string;
  readonly expiryMonth: number;
  readonly expiryYear: number;
  readonly cvc: string;
}

/** What is known of a brand (https://en.wikipedia.org/wiki/Payment_card_number). */
interface Brand {
  readonly name: string;
  readonly prefix: RegExp;
  readonly lengths: readonly number[];
  readonly cvcLength: number;
}

const brands: readonly Brand[] = [
  { name: 'visa', prefix: /^4/, lengths: [13, 16, 19], cvcLength: 3 },
  {
    name: 'mastercard',
    prefix: /^(5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720)/,
    lengths: [16],
    cvcLength: 3,
  },
  { name: 'amex', prefix: /^3[47]/, lengths: [15], cvcLength: 4 },
  { name: 'discover', prefix: /^(6011|65|64[4-9])/, lengths: [16, 19], cvcLength: 3 },
];
const otherBrand: Brand = {
  name: 'other',
  prefix: /^/,
  lengths: [12, 13, 14, 15, 16, 17, 18, 19],
  cvcLength: 3,
};

/** The digits of a number that is written with spaces. */
export function digitsOf(cardNumber: string): string {
  return cardNumber.replace(/ /g, '');
}

/** The brand that a number begins like. */
export function brandOf(digits: string): string {
  return find(digits).name;
}

function find(digits: string): Brand {
  return brands.find((brand) => brand.prefix.test(digits)) ?? otherBrand;
}

/** Whether the last digit is right (ISO/IEC 7812-1, annex B; Luhn's formula). */
export function passesLuhn(digits: string): boolean {
  const sum = [...digits].reverse().reduce((total, digit, position) => {
    const value = Number(digit) * (position % 2 === 1 ? 2 : 1);
    return total + (value > 9 ? value - 9 : value);
  }, 0);
  return sum % 10 === 0;
}

/** What is wrong with a card; nothing when it can be taken. A message never holds the number. */
export function checkCard(
  card: CardInput,
  nowMs: number,
): (FieldViolation & { readonly reason: 'CARD_NUMBER_INVALID' | 'CARD_EXPIRED' | 'VALIDATION_FAILED' })[] {
  const digits = digitsOf(card.cardNumber);
  const brand = find(digits);
  const problems: ReturnType<typeof checkCard> = [];
  if (!/^\d+$/.test(digits)) {
    problems.push({
      field: 'cardNumber',
      rule: 'card.digits',
      message: 'must be digits, with spaces at most',
      reason: 'CARD_NUMBER_INVALID',
    });
  } else if (!brand.lengths.includes(digits.length) || !passesLuhn(digits)) {
    problems.push({
      field: 'cardNumber',
      rule: 'card.luhn',
      message: 'is not a card number: check its digits',
      reason: 'CARD_NUMBER_INVALID',
    });
  }
  // A card is good until the end of its month.
  if (Date.UTC(card.expiryYear, card.expiryMonth, 1) <= nowMs) {
    problems.push({
      field: 'expiryMonth',
      rule: 'card.expired',
      message: 'the card has expired: use another',
      reason: 'CARD_EXPIRED',
    });
  }
  if (card.cvc.length !== brand.cvcLength) {
    problems.push({
      field: 'cvc',
      rule: 'card.cvc',
      message: `must have ${brand.cvcLength} digits for ${brand.name}`,
      reason: 'VALIDATION_FAILED',
    });
  }
  return problems;
}
