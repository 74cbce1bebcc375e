import type { Mutant } from './mutant.js';

const payments = 'services/payment/payments.js';

/** Bugs in what is asked of the card processor. */
export const moneyMutants: readonly Mutant[] = [
  {
    name: 'charges a unit too much',
    edits: [
      {
        file: 'services/payment/card-processor.js',
        find: 'units: String(amount.units)',
        replace: 'units: String(amount.units + 1n)',
      },
    ],
    killedBy: 'I2',
    withinSeeds: 1,
  },
  {
    name: 'no tombstone for a void that comes before its authorization',
    edits: [
      {
        file: payments,
        find: "return settle(newPayment(orderId, ids('pay'), 'voided', clock.nowMs()), undefined, context);",
        replace: "return newPayment(orderId, ids('pay'), 'voided', clock.nowMs());",
      },
    ],
    killedBy: 'I3',
    withinSeeds: 40,
  },
  {
    name: 'what the processor holds twice is not let go',
    edits: [
      {
        file: payments,
        find: "if (held === 'authorized' && id !== kept)",
        replace: "if (held === 'nothing')",
      },
    ],
    killedBy: 'I3',
    withinSeeds: 40,
  },
  {
    name: 'asks the processor anew without finding out what became of the first request',
    edits: [
      {
        file: payments,
        find: "            const known = await learn(before, context);\n            return known.state === 'pending' ? ask(",
        replace: "            const known = before;\n            return known.state === 'pending' ? ask(",
      },
    ],
    killedBy: 'I3',
    withinSeeds: 20,
  },
  {
    name: 'a void leaves the hold on the card',
    edits: [
      {
        file: payments,
        find: "            if (known.state !== 'pending')\n                return make(known, change, context);",
        replace:
          "            if (known.state !== 'pending')\n                return change === 'void' ? settle({ ...known, state: 'voided' }, change, context) : make(known, change, context);",
      },
    ],
    killedBy: 'I3',
    withinSeeds: 20,
  },
  {
    name: 'the vault keeps the number of a card as it is',
    edits: [
      {
        file: 'services/payment/vault.js',
        find: 'return Buffer.concat([nonce, cipher.getAuthTag(), sealed]);',
        replace: 'void sealed;\n            return Buffer.from(cardNumber);',
      },
      {
        file: 'services/payment/vault.js',
        find: 'const bytes = Buffer.from(sealed);',
        replace:
          "if (sealed.length > 0) return Buffer.from(sealed).toString('utf8');\n            const bytes = sealed;",
      },
    ],
    killedBy: 'I13',
    withinSeeds: 1,
  },
];
