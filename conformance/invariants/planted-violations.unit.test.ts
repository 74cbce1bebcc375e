import { expect } from 'chai';
import type { LedgerEntry } from '../../witnesses/card-processor/ledger.js';
import type { Attempt, Purchase } from '../workload/history.js';
import type { OrderView } from '../workload/shop-client.js';
import { checkEvidence } from './check-evidence.js';
import type { Evidence } from './evidence.js';

/** Evidence that can be tampered with. */
interface Tampered {
  purchases: Purchase[];
  orders: (OrderView & { user: string })[];
  carts: Map<string, { productId: string; quantity: number }[]>;
  ledger: LedgerEntry[];
  mails: { messageId: string; subject: string; text: string }[];
  stockBefore: Map<string, number>;
  stock: { productId: string; available: number; reserved: number; committed: number }[];
  sale: NonNullable<Evidence['sale']>;
}

const idOf = (number: number) => `ord_${String(number).padStart(26, '0')}`;
const total = 'EUR 12.500000000';
const amount = { currencyCode: 'EUR', units: '12', nanos: 500_000_000 };
const entry = (
  type: LedgerEntry['type'],
  reference: string,
  authorizationId = `auth-${reference}`,
): LedgerEntry => ({
  type,
  authorizationId,
  reference,
  amount,
  card: '424242 4242',
  request: { key: 'key', path: '/', bodyHash: '' },
  at: '2026-01-01T00:00:00Z',
});
const ok = (bytes: string): Attempt => ({ startedMs: 0, endedMs: 1, outcome: 'ok', reason: '', bytes });
const told = (id: string, what: string) => ({
  messageId: `${id} ${what}`,
  subject: `Your order ${id} ${what}`,
  text: '',
});

/** A run in which all is as it should be: four orders that ended in each way there is, and a sale of one piece to two. */
function innocent(): Tampered {
  const evidence: Tampered = {
    purchases: [],
    orders: [],
    carts: new Map(),
    ledger: [],
    mails: [],
    stockBefore: new Map([
      ['lamp', 10],
      ['rare', 1],
    ]),
    stock: [
      { productId: 'lamp', available: 9, reserved: 0, committed: 1 },
      { productId: 'rare', available: 0, reserved: 0, committed: 1 },
    ],
    sale: { productId: 'rare', pieces: 1, keys: new Set(['key-4', 'key-5']) },
  };
  const order = (number: number, state: string, productId = 'lamp') => {
    const [id, user] = [idOf(number), `user-${number}`];
    const lines = [{ productId, quantity: 1 }];
    const last = { id, state, version: 5, lines, total };
    evidence.orders.push({ ...last, user });
    evidence.carts.set(user, []);
    evidence.purchases.push({
      user,
      key: `key-${number}`,
      wanted: lines,
      attempts: [
        { ...ok(''), outcome: 'info', reason: 'TimeoutError' },
        ok('first answer'),
        ok('first answer'),
      ],
      orderId: id,
      refused: undefined,
      cancelled: state === 'CANCELLED',
      sightings: [
        { atMs: 1, state: 'PLACED', version: 1 },
        { atMs: 2, state, version: 5 },
      ],
      last,
    });
    return id;
  };
  for (const [number, productId] of [
    [1, 'lamp'],
    [4, 'rare'],
  ] as const) {
    const id = order(number, 'SHIPPED', productId);
    evidence.ledger.push(entry('authorized', id), entry('captured', id));
    evidence.mails.push(told(id, 'is confirmed'), told(id, 'is on its way'));
  }
  const declined = order(2, 'REJECTED');
  evidence.ledger.push(entry('declined', declined));
  evidence.mails.push(told(declined, 'could not be taken'));
  const cancelled = order(3, 'CANCELLED');
  evidence.ledger.push(entry('authorized', cancelled), entry('voided', cancelled));
  evidence.mails.push(told(cancelled, 'is cancelled'));
  const late = order(5, 'REJECTED', 'rare');
  evidence.mails.push(told(late, 'could not be taken'));
  return evidence;
}

const purchase = (evidence: Tampered, number: number) =>
  evidence.purchases.find(({ key }) => key === `key-${number}`) as Purchase;
const without = <T>(items: T[], unwanted: (item: T) => boolean) => items.filter((item) => !unwanted(item));
const becomes = (evidence: Tampered, number: number, state: string) => {
  evidence.orders = evidence.orders.map((order) => (order.id === idOf(number) ? { ...order, state } : order));
};

interface Plant {
  readonly what: string;
  /** The only invariant that may be found violated. */
  readonly invariant: string;
  readonly message: RegExp;
  plant(evidence: Tampered): void;
}

const plants: readonly Plant[] = [
  {
    what: 'an order that was acknowledged and is lost, with all its traces',
    invariant: 'I1',
    message: /was acknowledged for key-2 and is not there/,
    plant: (evidence) => {
      evidence.orders = without(evidence.orders, ({ id }) => id === idOf(2));
      evidence.ledger = without(evidence.ledger, ({ reference }) => reference === idOf(2));
      evidence.carts.set('user-2', [{ productId: 'lamp', quantity: 1 }]);
    },
  },
  {
    what: 'an order that is stuck',
    invariant: 'I1',
    message: /stays PLACED after all faults were healed/,
    plant: (evidence) => {
      becomes(evidence, 2, 'PLACED');
      purchase(evidence, 2).sightings.pop();
      evidence.mails = without(evidence.mails, ({ subject }) => subject.includes(idOf(2)));
    },
  },
  {
    what: 'a stuck order that nobody was told of',
    invariant: 'I1',
    message: /nobody was told of it, and it stays PLACED/,
    plant: (evidence) => {
      becomes(evidence, 2, 'PLACED');
      evidence.mails = without(evidence.mails, ({ subject }) => subject.includes(idOf(2)));
      Object.assign(purchase(evidence, 2), {
        orderId: undefined,
        attempts: [{ ...ok(''), outcome: 'fail' }],
        sightings: [],
      });
    },
  },
  {
    what: 'a purchase that never had an answer',
    invariant: 'I1',
    message: /no answer was had in 2 attempts/,
    plant: (evidence) => {
      const info: Attempt = { ...ok(''), outcome: 'info', reason: 'UNAVAILABLE' };
      Object.assign(purchase(evidence, 2), { orderId: undefined, attempts: [info, info], sightings: [] });
    },
  },
  {
    what: 'a key that made two orders',
    invariant: 'I1',
    message: /belong to no purchase/,
    plant: (evidence) => {
      const first = evidence.orders.find(({ id }) => id === idOf(2)) as Tampered['orders'][0];
      const twin = { ...first, id: idOf(9) };
      evidence.orders.push(twin);
      evidence.mails.push(told(twin.id, 'could not be taken'));
      // What the second order held was put in by somebody.
      Object.assign(purchase(evidence, 2), { wanted: [{ productId: 'lamp', quantity: 2 }] });
    },
  },
  {
    what: 'one order for two purchases',
    invariant: 'I1',
    message: /two purchases were given the same order/,
    plant: (evidence) => {
      evidence.purchases.push({ ...purchase(evidence, 2), key: 'key-6', wanted: [] });
    },
  },
  {
    what: 'a double charge under one authorisation',
    invariant: 'I2',
    message: /was charged 2 times/,
    plant: (evidence) => evidence.ledger.push(entry('captured', idOf(1))),
  },
  {
    what: 'a double charge under two authorisations',
    invariant: 'I2',
    message: /was charged 2 times/,
    plant: (evidence) =>
      evidence.ledger.push(entry('authorized', idOf(1), 'other'), entry('captured', idOf(1), 'other')),
  },
  {
    what: 'a cent too much',
    invariant: 'I2',
    message: /was charged EUR 12.510000000 instead of EUR 12.500000000/,
    plant: (evidence) => {
      evidence.ledger[1] = { ...entry('captured', idOf(1)), amount: { ...amount, nanos: 510_000_000 } };
    },
  },
  {
    what: 'another currency',
    invariant: 'I2',
    message: /was charged USD/,
    plant: (evidence) => {
      evidence.ledger[1] = { ...entry('captured', idOf(1)), amount: { ...amount, currencyCode: 'USD' } };
    },
  },
  {
    what: 'a parcel that nobody paid for',
    invariant: 'I3',
    message: /is shipped, and no money was taken/,
    plant: (evidence) => {
      evidence.ledger = without(evidence.ledger, ({ reference }) => reference === idOf(1));
    },
  },
  {
    what: 'money that was given back for a parcel that was sent',
    invariant: 'I3',
    message: /is shipped, and no money was taken/,
    plant: (evidence) => evidence.ledger.push(entry('refunded', idOf(1))),
  },
  {
    what: 'a charge without a parcel',
    invariant: 'I3',
    message: /is CANCELLED, and its money was taken/,
    plant: (evidence) => {
      evidence.ledger = evidence.ledger.map((one) =>
        one.type === 'voided' ? { ...one, type: 'captured' } : one,
      );
    },
  },
  {
    what: "a buyer's money that stays held",
    invariant: 'I3',
    message: /is CANCELLED, and auth-ord_.* still holds money/,
    plant: (evidence) => {
      evidence.ledger = without(evidence.ledger, ({ type }) => type === 'voided');
    },
  },
  {
    what: 'a second hold beside the one that was charged',
    invariant: 'I3',
    message: /other still holds money/,
    plant: (evidence) => evidence.ledger.push(entry('authorized', idOf(1), 'other')),
  },
  {
    what: 'a charge for no order',
    invariant: 'I3',
    message: /has entries in the ledger, and there is no such order/,
    plant: (evidence) => evidence.ledger.push(entry('authorized', idOf(8)), entry('captured', idOf(8))),
  },
  {
    what: 'a piece too many sold',
    invariant: 'I4',
    message: /-1 pieces are available/,
    plant: (evidence) => Object.assign(evidence.stock[1] ?? {}, { available: -1, committed: 2 }),
  },
  {
    what: 'a piece out of nothing',
    invariant: 'I4',
    message: /11 pieces are accounted for, of 10/,
    plant: (evidence) => Object.assign(evidence.stock[0] ?? {}, { available: 10 }),
  },
  {
    what: 'a piece that is gone',
    invariant: 'I4',
    message: /9 pieces are accounted for, of 10/,
    plant: (evidence) => Object.assign(evidence.stock[0] ?? {}, { available: 8 }),
  },
  {
    what: 'pieces that stay reserved',
    invariant: 'I4',
    message: /1 pieces stay reserved/,
    plant: (evidence) => Object.assign(evidence.stock[0] ?? {}, { available: 8, reserved: 1 }),
  },
  {
    what: 'a parcel whose piece was never taken out of the stock',
    invariant: 'I4',
    message: /0 pieces are sold, and 1 shipped/,
    plant: (evidence) => Object.assign(evidence.stock[0] ?? {}, { available: 10, committed: 0 }),
  },
  {
    what: 'two winners of one piece',
    invariant: 'I4',
    message: /2 of 2 buyers won, of 1 pieces/,
    plant: (evidence) => {
      becomes(evidence, 5, 'SHIPPED');
      purchase(evidence, 5).sightings.pop();
      evidence.ledger.push(entry('authorized', idOf(5)), entry('captured', idOf(5)));
      evidence.mails = without(evidence.mails, ({ subject }) => subject.includes(idOf(5)));
      evidence.mails.push(told(idOf(5), 'is confirmed'), told(idOf(5), 'is on its way'));
      evidence.stockBefore.set('rare', 2);
      Object.assign(evidence.stock[1] ?? {}, { committed: 2 });
    },
  },
  {
    what: 'a sale that nobody won',
    invariant: 'I4',
    message: /0 of 2 buyers won, of 1 pieces/,
    plant: (evidence) => {
      evidence.sale = { ...evidence.sale, keys: new Set(['key-2', 'key-5']) };
    },
  },
  {
    what: 'a mail that was never sent',
    invariant: 'I7',
    message: /0 mails instead of 1 tell/,
    plant: (evidence) => void evidence.mails.shift(),
  },
  {
    what: 'a mail that was written twice',
    invariant: 'I7',
    message: /2 mails instead of 1 tell/,
    plant: (evidence) => evidence.mails.push({ ...told(idOf(1), 'is confirmed'), messageId: 'another' }),
  },
  {
    what: 'a cart that was never emptied',
    invariant: 'I7',
    message: /1 were put into the cart, 2 were ordered or are left/,
    plant: (evidence) => evidence.carts.set('user-1', [{ productId: 'lamp', quantity: 1 }]),
  },
  {
    what: 'a piece that was put into the cart and went nowhere',
    invariant: 'I7',
    message: /2 were put into the cart, 1 were ordered or are left/,
    plant: (evidence) =>
      Object.assign(purchase(evidence, 1), { wanted: [{ productId: 'lamp', quantity: 2 }] }),
  },
  {
    what: 'another answer to the same key',
    invariant: 'I8',
    message: /got 2 different answers/,
    plant: (evidence) => purchase(evidence, 1).attempts.push(ok('another answer')),
  },
  {
    what: 'a refusal of what was ordered',
    invariant: 'I8',
    message: /was refused with CART_EMPTY, and has order/,
    plant: (evidence) =>
      purchase(evidence, 1).attempts.push({ ...ok(''), outcome: 'fail', reason: 'CART_EMPTY' }),
  },
  {
    what: 'a version that went back',
    invariant: 'I9',
    message: /went back from version 5 to 4/,
    plant: (evidence) => purchase(evidence, 1).sightings.push({ atMs: 3, state: 'SHIPPED', version: 4 }),
  },
  {
    what: 'a state that went back',
    invariant: 'I9',
    message: /was CANCELLED, and then COMPENSATING/,
    plant: (evidence) => purchase(evidence, 3).sightings.push({ atMs: 3, state: 'COMPENSATING', version: 6 }),
  },
  {
    what: 'an end that became another one',
    invariant: 'I9',
    message: /was CANCELLED, and is REJECTED now/,
    plant: (evidence) => {
      becomes(evidence, 3, 'REJECTED');
      evidence.mails = without(evidence.mails, ({ subject }) => subject.includes(idOf(3)));
      evidence.mails.push(told(idOf(3), 'could not be taken'));
    },
  },
  {
    what: 'a run in which next to nothing worked',
    invariant: 'I14',
    message: /too few to show anything/,
    plant: (evidence) => {
      for (let number = 100; number < 130; number += 1)
        evidence.purchases.push({
          ...purchase(evidence, 2),
          user: `user-${number}`,
          key: `key-${number}`,
          wanted: [],
          attempts: [{ ...ok(''), outcome: 'fail', reason: 'CART_EMPTY' }],
          orderId: undefined,
          refused: 'CART_EMPTY',
          sightings: [],
        });
    },
  },
];

describe('the checker of a run', () => {
  it('finds nothing where all is as it should be', () => {
    expect(checkEvidence(innocent())).to.deep.equal([]);
  });

  it('takes a mail that was sent again with the same Message-ID for one', () => {
    const evidence = innocent();
    evidence.mails.push(evidence.mails[0] as (typeof evidence.mails)[0]);
    expect(checkEvidence(evidence)).to.deep.equal([]);
  });

  for (const { what, invariant, message, plant } of plants) {
    it(`refuses ${what}, by ${invariant} alone`, () => {
      const evidence = innocent();
      plant(evidence);
      const violations = checkEvidence(evidence);
      expect(violations.map((violation) => violation.message).join('\n')).to.match(message);
      expect(new Set(violations.map((violation) => violation.invariant))).to.deep.equal(new Set([invariant]));
    });
  }
});
