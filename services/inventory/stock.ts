import type { GuardedStatement, Row } from '../../mesh/store/store.js';
import type { Stock } from '../../proto/gen/meshmart/inventory/v1/inventory.js';
import type { Line, Movement } from './reservation.js';

/** The stock of one product as it is stored. */
export interface StockRow extends Row {
  readonly product_id: string;
  readonly available: number;
  readonly reserved: number;
  readonly committed: number;
}

/** The stock of one product as the contract shows it. */
export function stockOf(row: StockRow): Stock {
  return {
    productId: row.product_id,
    available: BigInt(row.available),
    reserved: BigInt(row.reserved),
    committed: BigInt(row.committed),
  };
}

/** The text of each movement's statement; nothing moves unless the pieces are where they are taken from. */
const sqlOf: Readonly<Record<Movement, string>> = {
  'available>reserved': move('available', 'reserved'),
  'reserved>available': move('reserved', 'available'),
  'reserved>committed': move('reserved', 'committed'),
  'available>committed': move('available', 'committed'),
};

/** Moves the pieces of each line; one line that can't be moved undoes the whole batch (guard `stock`). */
export function movePieces(lines: readonly Line[], movement: Movement): GuardedStatement[] {
  return lines.map(({ productId, quantity }) => ({
    sql: sqlOf[movement],
    values: [quantity, quantity, productId, quantity],
    changes: 1,
    guard: 'stock',
  }));
}

/** How a movement changes the three figures of one product. */
export function moved(row: StockRow, movement: Movement, quantity: number): StockRow {
  const [from, to] = movement.split('>') as [
    'available' | 'reserved',
    'available' | 'reserved' | 'committed',
  ];
  const taken = { ...row, [from]: row[from] - quantity };
  return { ...taken, [to]: taken[to] + quantity };
}

function move(from: string, to: string): string {
  return `UPDATE stock SET ${from} = ${from} - ?, ${to} = ${to} + ? WHERE product_id = ? AND ${from} >= ?`;
}
