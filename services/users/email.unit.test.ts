import { expect } from 'chai';
import fc from 'fast-check';
import { normalEmail } from './email.js';

describe('an e-mail address', () => {
  const same: [written: string, stored: string][] = [
    ['ada@example.com', 'ada@example.com'],
    ['Ada@Example.COM', 'ada@example.com'],
    ['  ada@example.com\t\n', 'ada@example.com'],
    ['re\u0301mi@example.com', 'r\u00e9mi@example.com'],
    ['R\u00c9MI@example.com', 'r\u00e9mi@example.com'],
  ];
  for (const [written, stored] of same) {
    it(`written ${JSON.stringify(written)} is kept as ${JSON.stringify(stored)}`, () => {
      expect(normalEmail(written)).to.equal(stored);
    });
  }

  it('keeps its tags and dots: to many mail servers they are another mailbox', () => {
    expect(normalEmail('a.da+shop@example.com')).to.equal('a.da+shop@example.com');
  });

  it('does not change any more once it is in its stored form', () => {
    fc.assert(
      fc.property(fc.oneof(fc.emailAddress(), fc.string()), (email) => {
        expect(normalEmail(normalEmail(email))).to.equal(normalEmail(email));
      }),
    );
  });

  it('is the same account however its letters are cased', () => {
    fc.assert(
      fc.property(fc.emailAddress(), (email) => {
        expect(normalEmail(email.toUpperCase())).to.equal(normalEmail(email.toLowerCase()));
      }),
    );
  });
});
