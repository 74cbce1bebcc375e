import { expect } from 'chai';
import fc from 'fast-check';
import { MeshError } from '../../mesh/contract/error.js';
import { fateOf, isOverdue, type Wish } from './expiry.js';
import {
  type Decision,
  decideCommit,
  decideRelease,
  decideReserve,
  type Line,
  mergeLines,
  type Reservation,
  type State,
} from './reservation.js';
import { moved, type StockRow } from './stock.js';

const lines: Line[] = [
  { productId: 'a', quantity: 2 },
  { productId: 'b', quantity: 1 },
];
const wanted = { id: 'res_1', orderId: 'ord_1', lines, expiresAtMs: 1_000 };
const inState = (state: State): Reservation => ({ ...wanted, state });
const plenty = new Map([
  ['a', 2],
  ['b', 5],
]);

function refusal(decide: () => Decision): MeshError {
  try {
    decide();
  } catch (error) {
    return MeshError.from(error);
  }
  throw new Error('it was not refused');
}

describe('lines of a reservation', () => {
  it('are sorted, each product once, quantities added up', () => {
    const given = [...lines].reverse().concat({ productId: 'a', quantity: 3 });
    expect(mergeLines(given)).to.deep.equal([
      { productId: 'a', quantity: 5 },
      { productId: 'b', quantity: 1 },
    ]);
  });
});

describe('reserve', () => {
  it('sets all lines aside', () => {
    expect(decideReserve(undefined, wanted, plenty)).to.deep.equal({
      reservation: inState('held'),
      changed: true,
      movement: 'available>reserved',
    });
  });

  it('sets nothing aside when one line is short, and tells what is left of each', () => {
    const error = refusal(() =>
      decideReserve(
        undefined,
        wanted,
        new Map([
          ['a', 1],
          ['b', 0],
        ]),
      ),
    );
    expect(error).to.include({ code: 'FAILED_PRECONDITION', reason: 'OUT_OF_STOCK' });
    expect(error.metadata).to.deep.equal({ a: '1', b: '0' });
  });

  it('does not know a product that is not stocked', () => {
    const error = refusal(() => decideReserve(undefined, wanted, new Map([['a', 9]])));
    expect(error).to.include({ code: 'NOT_FOUND', reason: 'PRODUCT_NOT_FOUND' });
    expect(error.metadata).to.deep.equal({ productIds: 'b' });
  });

  it('finds the reservation that the same lines have made, whatever the stock is now', () => {
    for (const state of ['held', 'committed'] as const) {
      const decision = decideReserve(inState(state), { ...wanted, id: 'res_2' }, new Map());
      expect(decision).to.deep.equal({ reservation: inState(state), changed: false });
    }
  });

  it('is refused with other lines, and after a release', () => {
    const others = { ...wanted, lines: lines.slice(1) };
    expect(refusal(() => decideReserve(inState('held'), others, plenty)).reason).to.equal('CONFLICT');
    for (const state of ['released', 'expired'] as const) {
      expect(refusal(() => decideReserve(inState(state), wanted, plenty)).reason).to.equal(
        'RESERVATION_VOIDED',
      );
    }
  });
});

describe('commit', () => {
  it('sells what is held, and does so once', () => {
    expect(decideCommit(inState('held'), 'ord_1', new Map())).to.deep.include({
      movement: 'reserved>committed',
    });
    expect(decideCommit(inState('committed'), 'ord_1', new Map()).changed).to.equal(false);
  });

  it('sells what has expired if it is still there', () => {
    expect(decideCommit(inState('expired'), 'ord_1', plenty)).to.deep.include({
      movement: 'available>committed',
    });
    const error = refusal(() => decideCommit(inState('expired'), 'ord_1', new Map([['a', 2]])));
    expect(error.reason).to.equal('OUT_OF_STOCK');
    expect(error.metadata).to.deep.equal({ b: '0' });
  });

  it('is refused after a release and without a reservation', () => {
    expect(refusal(() => decideCommit(inState('released'), 'ord_1', plenty)).reason).to.equal(
      'RESERVATION_VOIDED',
    );
    const error = refusal(() => decideCommit(undefined, 'ord_1', plenty));
    expect(error).to.include({ code: 'NOT_FOUND', reason: 'RESERVATION_NOT_FOUND' });
  });
});

describe('release', () => {
  it('gives back what is held, once', () => {
    expect(decideRelease(inState('held'), wanted)).to.deep.include({ movement: 'reserved>available' });
    expect(decideRelease(inState('released'), wanted).changed).to.equal(false);
  });

  it('leaves a tombstone for an order that has nothing, so that a late reserve is refused', () => {
    const { reservation, movement } = decideRelease(undefined, wanted);
    expect(reservation).to.deep.include({ orderId: 'ord_1', lines: [], state: 'released' });
    expect(movement).to.equal(undefined);
    expect(refusal(() => decideReserve(reservation, wanted, plenty)).reason).to.equal('RESERVATION_VOIDED');
  });

  it('of what has expired moves nothing, and forbids to sell it later', () => {
    const { reservation, movement } = decideRelease(inState('expired'), wanted);
    expect(movement).to.equal(undefined);
    expect(reservation.state).to.equal('released');
  });

  it('is refused for what is sold', () => {
    const error = refusal(() => decideRelease(inState('committed'), wanted));
    expect(error).to.include({ code: 'FAILED_PRECONDITION', reason: 'CONFLICT' });
  });
});

describe('expiry', () => {
  it('gives back only what order says that nobody waits for', () => {
    const fates = (['pending', 'confirmed', 'abandoned', 'unknown', 'silent'] as const).map(
      (wish: Wish) => fateOf(wish, 100, 50).kind,
    );
    expect(fates).to.deep.equal(['extend', 'extend', 'expire', 'expire', 'keep']);
    expect(fateOf('pending', 100, 50)).to.deep.equal({ kind: 'extend', expiresAtMs: 150 });
  });

  it('concerns what is held and has had its time', () => {
    expect(isOverdue({ state: 'held', expiresAtMs: 100 }, 100)).to.equal(true);
    expect(isOverdue({ state: 'held', expiresAtMs: 101 }, 100)).to.equal(false);
    expect(isOverdue({ state: 'committed', expiresAtMs: 0 }, 100)).to.equal(false);
  });
});

describe('conservation', () => {
  const products = ['a', 'b', 'c'];
  const line = fc.record({
    productId: fc.constantFrom(...products),
    quantity: fc.integer({ min: 1, max: 6 }),
  });
  const orderId = fc.constantFrom('ord_1', 'ord_2', 'ord_3', 'ord_4');
  const command = fc.oneof(
    fc.record({
      kind: fc.constant('reserve' as const),
      orderId,
      lines: fc.array(line, { minLength: 1, maxLength: 4 }),
    }),
    fc.record({ kind: fc.constantFrom('commit' as const, 'release' as const, 'expire' as const), orderId }),
    fc.record({
      kind: fc.constant('restock' as const),
      productId: fc.constantFrom(...products),
      quantity: fc.integer({ min: 1, max: 5 }),
    }),
  );

  it('holds after any commands in any order: what was put in is available, reserved or committed', () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 60 }), (commands) => {
        const stock = new Map<string, StockRow>(
          products.map((id) => [id, { product_id: id, available: 10, reserved: 0, committed: 0 }]),
        );
        const putIn = new Map(products.map((id) => [id, 10]));
        const reservations = new Map<string, Reservation>();
        const available = () => new Map([...stock].map(([id, row]) => [id, row.available]));
        const decide = (given: (typeof commands)[number]): Decision | undefined => {
          if (given.kind === 'restock') return undefined;
          const existing = reservations.get(given.orderId);
          const made = { id: 'res', orderId: given.orderId, expiresAtMs: 0 };
          switch (given.kind) {
            case 'reserve':
              return decideReserve(existing, { ...made, lines: mergeLines(given.lines) }, available());
            case 'commit':
              return decideCommit(existing, given.orderId, available());
            case 'release':
              return decideRelease(existing, made);
            case 'expire':
              return existing?.state === 'held'
                ? {
                    reservation: { ...existing, state: 'expired' },
                    changed: true,
                    movement: 'reserved>available',
                  }
                : undefined;
            default:
              return given satisfies never;
          }
        };
        for (const given of commands) {
          if (given.kind === 'restock') {
            const row = stock.get(given.productId) as StockRow;
            stock.set(given.productId, { ...row, available: row.available + given.quantity });
            putIn.set(given.productId, (putIn.get(given.productId) ?? 0) + given.quantity);
          }
          try {
            const decision = decide(given);
            if (decision?.changed !== true) continue;
            reservations.set(decision.reservation.orderId, decision.reservation);
            for (const { productId, quantity } of decision.movement === undefined
              ? []
              : decision.reservation.lines) {
              stock.set(
                productId,
                moved(stock.get(productId) as StockRow, decision.movement as never, quantity),
              );
            }
          } catch (error) {
            if (!MeshError.is(error)) throw error;
          }
        }
        for (const [id, row] of stock) {
          expect(row.available + row.reserved + row.committed).to.equal(putIn.get(id));
          expect(Math.min(row.available, row.reserved, row.committed)).to.be.at.least(0);
          for (const [state, column] of [
            ['held', 'reserved'],
            ['committed', 'committed'],
          ] as const) {
            const counted = [...reservations.values()]
              .filter((reservation) => reservation.state === state)
              .flatMap((reservation) => reservation.lines)
              .filter(({ productId }) => productId === id)
              .reduce((total, { quantity }) => total + quantity, 0);
            expect(row[column]).to.equal(counted);
          }
        }
      }),
    );
  });
});
