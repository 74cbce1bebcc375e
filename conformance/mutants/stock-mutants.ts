import type { Mutant } from './mutant.js';

const reservation = 'services/inventory/reservation.js';
const stock = 'services/inventory/stock.js';

/** Bugs in how pieces are set aside and sold. */
export const stockMutants: readonly Mutant[] = [
  {
    name: 'no tombstone for a release that comes before its reservation',
    edits: [
      {
        file: reservation,
        find: "return { reservation: { ...tombstone, lines: [], state: 'released' }, changed: true };",
        replace: "return { reservation: { ...tombstone, lines: [], state: 'released' }, changed: false };",
      },
    ],
    killedBy: 'I4',
    withinSeeds: 20,
  },
  {
    name: 'a reservation expires without anybody asking the order',
    edits: [
      {
        file: 'services/inventory/sweep.js',
        find: 'wish = wishOf((await order.getVerdict({ orderId }, context)).verdict);',
        replace: "wish = 'unknown';",
      },
    ],
    killedBy: 'I1',
    withinSeeds: 20,
  },
  {
    name: 'a reservation expires although its order is not decided',
    edits: [
      {
        file: 'services/inventory/expiry.js',
        find: "case 'pending':\n        case 'confirmed':",
        replace: "case 'pending':\n            return { kind: 'expire' };\n        case 'confirmed':",
      },
    ],
    killedBy: 'I1',
    withinSeeds: 40,
  },
  {
    name: 'release doubled: the pieces come back twice',
    edits: [
      {
        file: stock,
        find: "'reserved>available': move('reserved', 'available')",
        replace:
          "'reserved>available': move('reserved', 'available').replace('available + ?', 'available + 2 * ?')",
      },
    ],
    killedBy: 'I4',
    withinSeeds: 10,
  },
  {
    name: '> for >=: the last pieces can not be taken',
    edits: [{ file: stock, find: 'AND ${from} >= ?', replace: 'AND ${from} > ?' }],
    killedBy: 'I1',
    withinSeeds: 10,
  },
  {
    name: 'sets aside the first line of an order only',
    edits: [{ file: stock, find: 'return lines.map(', replace: 'return lines.slice(0, 1).map(' }],
    killedBy: 'I4',
    withinSeeds: 10,
  },
  {
    name: 'step key with the number of the attempt, and a participant that trusts the key alone',
    edits: [
      {
        file: 'services/order/next-step.js',
        find: 'return `${orderId}:${request}`;',
        replace: 'return `${orderId}:${request}:${(globalThis.attempts = (globalThis.attempts ?? 0) + 1)}`;',
      },
      {
        file: reservation,
        find: 'throw otherLines(existing.orderId);\n            return unchanged(existing);',
        replace:
          "throw otherLines(existing.orderId);\n            return { reservation: existing, changed: true, movement: 'available>reserved' };",
      },
    ],
    killedBy: 'I4',
    withinSeeds: 10,
  },
];
