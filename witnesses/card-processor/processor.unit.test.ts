import { expect } from 'chai';
import fc from 'fast-check';
import type { LedgerEntry } from './ledger.js';
import { summarize } from './ledger.js';
import { createProcessor } from './processor.js';
import { testCards } from './test-cards.js';

const now = () => new Date('2026-11-23T12:00:00Z');
const card = { number: '4242424242424242', expiryMonth: 12, expiryYear: 2034 };
const amount = { currencyCode: 'EUR', units: '19', nanos: 990_000_000 };

/** A ledger file without a disk. */
function memoryFile(entries: LedgerEntry[] = []) {
  return { entries, append: (entry: LedgerEntry) => void entries.push(entry), close: () => undefined };
}
const passesLuhn = (digits: string) =>
  [...digits].reverse().reduce((sum, digit, position) => {
    const value = Number(digit) * (position % 2 === 1 ? 2 : 1);
    return sum + (value > 9 ? value - 9 : value);
  }, 0) %
    10 ===
  0;

describe('the card processor', () => {
  const authorize = (
    processor: ReturnType<typeof createProcessor>,
    key: string,
    changes = {},
    reference = 'ord_1',
  ) => processor.authorize(key, { reference, card: { ...card, ...changes }, amount });
  const idOf = (answer: ReturnType<typeof authorize>) =>
    'authorization' in answer.body ? answer.body.authorization.id : '';

  it('gives a repeated key its first answer, also after a restart, and refuses it with another body', () => {
    const file = memoryFile();
    const first = authorize(createProcessor(file, 'honour', now), 'k');
    const restarted = createProcessor(memoryFile([...file.entries]), 'honour', now);
    expect(idOf(authorize(restarted, 'k'))).to.equal(idOf(first));
    expect(authorize(restarted, 'k', {}, 'ord_2').status).to.equal(422);
  });

  it('treats each request as new when it ignores keys', () => {
    const processor = createProcessor(memoryFile(), 'ignore', now);
    expect(idOf(authorize(processor, 'k'))).not.to.equal(idOf(authorize(processor, 'k')));
    expect(processor.byReference('ord_1')).to.have.length(2);
  });

  it('writes before it lies about a timeout, and hangs without doing anything', () => {
    const file = memoryFile();
    const processor = createProcessor(file, 'honour', now);
    expect(authorize(processor, 'lies', { number: '4000000000003220' }).manner).to.equal('timeout');
    expect(file.entries).to.have.length(1);
    expect(authorize(processor, 'lies', { number: '4000000000003220' })).to.include({
      status: 200,
      manner: 'prompt',
    });
    expect(authorize(processor, 'hangs', { number: '4000000000000341' }).manner).to.equal('never');
    expect(file.entries).to.have.length(1);
    expect(authorize(processor, 'hangs', { number: '4000000000000341' })).to.include({
      status: 201,
      manner: 'prompt',
    });
  });

  it('knows test cards whose numbers are all right, and declines what it does not know or what has expired', () => {
    for (const number of Object.keys(testCards)) expect(passesLuhn(number), number).to.equal(true);
    const processor = createProcessor(memoryFile(), 'honour', now);
    const stateOf = (answer: ReturnType<typeof authorize>) =>
      'authorization' in answer.body ? answer.body.authorization.declineReason : '';
    expect(stateOf(authorize(processor, '1', { number: '4111111111111111' }))).to.equal('unknown_card');
    expect(stateOf(authorize(processor, '2', { expiryMonth: 10, expiryYear: 2026 }))).to.equal(
      'expired_card',
    );
  });

  it('never keeps a whole card number', () => {
    const file = memoryFile();
    authorize(createProcessor(file, 'honour', now), 'k');
    expect(JSON.stringify(file.entries)).not.to.contain(card.number);
    expect(JSON.stringify(file.entries)).to.contain('424242...4242');
  });

  it('takes money at most once, and never both takes and lets go, whatever it is asked in whatever order', () => {
    const step = fc.record({
      what: fc.constantFrom('authorize', 'captured', 'voided', 'refunded'),
      key: fc.constantFrom('a', 'b', 'c'),
    });
    fc.assert(
      fc.property(fc.constantFrom('honour', 'ignore'), fc.array(step, { maxLength: 40 }), (mode, steps) => {
        const file = memoryFile();
        const processor = createProcessor(file, mode, now);
        for (const { what, key } of steps) {
          if (what === 'authorize') authorize(processor, key);
          else
            for (const { id } of processor.byReference('ord_1').slice(-1))
              processor.change(key, id, what as 'captured');
        }
        for (const { id } of processor.byReference('ord_1')) {
          const of = (type: string) =>
            file.entries.filter((entry) => entry.authorizationId === id && entry.type === type).length;
          expect(of('captured')).to.be.at.most(1);
          expect(of('captured') + of('voided')).to.be.at.most(1);
          expect(of('refunded')).to.be.at.most(of('captured'));
        }
        const sums = summarize(file.entries)['ord_1'];
        if (sums !== undefined)
          expect(BigInt(sums.captured) + BigInt(sums.voided) <= BigInt(sums.authorized)).to.equal(true);
      }),
    );
  });
});
