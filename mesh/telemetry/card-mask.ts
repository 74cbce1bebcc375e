/** Runs of digits that a card number could be in: 13 or more, each at most one space or hyphen from the next. */
const digitRun = /\d(?:[\s-]?\d){12,}/g;

/** Lengths of card numbers (ISO/IEC 7812-1), in digits. */
const shortest = 13;
const longest = 19;

/** Digits at the end of a card number that may be shown. */
const shown = 4;

/**
 * The text with every card number in it masked but for its last four digits: `paid with ************4242`. A card
 * number is any 13 to 19 digits in a row whose check digit is right (Luhn, ISO/IEC 7812-1 annex B), also within a
 * longer run of digits: one number in ten is masked for nothing, none is let through.
 */
export function maskCards(text: string): string {
  return text.replace(digitRun, maskRun);
}

/** True when the digits' check digit is right. */
export function passesLuhn(digits: readonly number[]): boolean {
  const sum = digits.reduceRight((total, digit, index) => {
    const fromRight = digits.length - 1 - index;
    if (fromRight % 2 === 0) return total + digit;
    return total + (digit > 4 ? digit * 2 - 9 : digit * 2);
  }, 0);
  return sum % 10 === 0;
}

function maskRun(run: string): string {
  const digits = run.replace(/\D/g, '');
  const numbers = Array.from(digits, Number);
  const hidden = new Set<number>();
  for (let start = 0; start + shortest <= numbers.length; start += 1) {
    for (let length = shortest; length <= longest && start + length <= numbers.length; length += 1) {
      if (!passesLuhn(numbers.slice(start, start + length))) continue;
      for (let index = start; index < start + length - shown; index += 1) hidden.add(index);
    }
  }
  let index = -1;
  return run.replace(/\d/g, (digit) => {
    index += 1;
    return hidden.has(index) ? '*' : digit;
  });
}
