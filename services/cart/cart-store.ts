import { MeshError } from '../../mesh/contract/error.js';
import type { Clock } from '../../mesh/runtime/ports.js';
import {
  type Batch,
  type GuardedStatement,
  type Row,
  type Store,
  StoreConflict,
} from '../../mesh/store/store.js';
import type { TraceContext } from '../../mesh/telemetry/trace-context.js';
import { Money } from '../../proto/gen/meshmart/type/v1/money.js';
import type { Line } from './cart.js';

/** A cart with the version that a change must find. 0 means that there is none yet. */
export interface KeptCart {
  readonly lines: readonly Line[];
  readonly version: number;
}

interface LineRow extends Row {
  readonly product_id: string;
  readonly product_name: string;
  readonly quantity: number;
  readonly unit_price: Uint8Array;
}

/** Loads an owner's cart. */
export async function loadCart(store: Store, owner: string, trace?: TraceContext): Promise<KeptCart> {
  // The version is read first: lines that are newer than it make the change fail its guard, never slip through.
  const [cart] = await store.query<{ version: number }>(
    { sql: 'SELECT version FROM carts WHERE owner = ?', values: [owner] },
    trace,
  );
  const rows = await store.query<LineRow>(
    {
      sql: 'SELECT product_id, product_name, quantity, unit_price FROM cart_lines WHERE owner = ? ORDER BY position',
      values: [owner],
    },
    trace,
  );
  return {
    version: Number(cart?.version ?? 0),
    lines: rows.map((row) => ({
      productId: row.product_id,
      productName: row.product_name,
      quantity: Number(row.quantity),
      unitPrice: Money.decode(row.unit_price),
    })),
  };
}

/** The statements that replace a cart's lines, guarded by the version that was loaded. */
export function replaceLines(
  owner: string,
  before: KeptCart,
  lines: readonly Line[],
  nowMs: number,
): GuardedStatement[] {
  const touch: GuardedStatement =
    before.version === 0
      ? {
          sql: 'INSERT INTO carts (owner, version, touched_at_ms) VALUES (?, 1, ?) ON CONFLICT DO NOTHING',
          values: [owner, nowMs],
          changes: 1,
          guard: 'cart',
        }
      : {
          sql: 'UPDATE carts SET version = version + 1, touched_at_ms = ? WHERE owner = ? AND version = ?',
          values: [nowMs, owner, before.version],
          changes: 1,
          guard: 'cart',
        };
  return [
    touch,
    { sql: 'DELETE FROM cart_lines WHERE owner = ?', values: [owner] },
    ...lines.map((line, position) => ({
      sql: 'INSERT INTO cart_lines (owner, product_id, position, product_name, quantity, unit_price) VALUES (?, ?, ?, ?, ?, ?)',
      values: [
        owner,
        line.productId,
        position,
        line.productName,
        line.quantity,
        Money.encode(line.unitPrice).finish(),
      ],
    })),
  ];
}

const maxTries = 50;

/**
 * Loads, decides, commits; again when somebody else was quicker.
 * @param decide gives the lines that the cart shall have, from what was loaded.
 * @throws MeshError ABORTED (CONFLICT) after many tries, and what `decide` throws.
 */
export async function changeCart(
  store: Store,
  clock: Clock,
  owner: string,
  decide: (lines: readonly Line[]) => readonly Line[],
  extra: Pick<Batch, 'trace' | 'inbox'> = {},
): Promise<KeptCart> {
  for (let attempt = 1; attempt <= maxTries; attempt += 1) {
    const before = await loadCart(store, owner, extra.trace);
    const lines = decide(before.lines);
    try {
      await store.commit({ ...extra, statements: replaceLines(owner, before, lines, clock.nowMs()) });
      return { lines, version: before.version + 1 };
    } catch (error) {
      if (!(error instanceof StoreConflict) || error.subject !== 'cart') throw error;
    }
  }
  throw conflict();
}

export function conflict(): MeshError {
  return new MeshError({
    code: 'ABORTED',
    reason: 'CONFLICT',
    message: 'the cart is being changed by too many at once: try again',
  });
}
