import { timestampOf } from '../../mesh/contract/timestamp.js';
import type { Batch, OutboxMessage, Store } from '../../mesh/store/store.js';
import type { TraceContext } from '../../mesh/telemetry/trace-context.js';
import {
  StockCommitted,
  StockReleased,
  StockReserved,
} from '../../proto/gen/meshmart/inventory/v1/inventory_events.js';
import type { Available, Decision, Line, Movement } from './reservation.js';
import { writeReservation } from './reservation-record.js';
import { movePieces } from './stock.js';

/** All that a decision writes: the reservation, the pieces, and the event that tells of it. */
export function batchOf(decision: Decision, version: number, nowMs: number, trace: TraceContext): Batch {
  const { reservation, movement } = decision;
  if (!decision.changed) return { trace };
  if (movement === undefined) return { statements: writeReservation(reservation, version), trace };
  return {
    statements: [...writeReservation(reservation, version), ...movePieces(reservation.lines, movement)],
    outbox: [eventOf(movement, reservation.orderId, reservation.lines, nowMs)],
    trace,
  };
}

function eventOf(movement: Movement, orderId: string, lines: readonly Line[], nowMs: number): OutboxMessage {
  const event = { orderId, lines: [...lines], occurredAt: timestampOf(nowMs) };
  const message = (type: string, codec: typeof StockReserved) => ({
    type: `meshmart.inventory.v1.${type}`,
    key: orderId,
    data: codec.encode(event).finish(),
  });
  switch (movement) {
    case 'available>reserved':
      return message('StockReserved', StockReserved);
    case 'reserved>available':
      return message('StockReleased', StockReleased);
    case 'reserved>committed':
    case 'available>committed':
      return message('StockCommitted', StockCommitted);
    default:
      return movement satisfies never;
  }
}

/** What is available of each line's product; products that are not stocked are not in it. */
export async function readAvailable(
  store: Store,
  lines: readonly Line[],
  trace?: TraceContext,
): Promise<Available> {
  if (lines.length === 0) return new Map();
  const rows = await store.query<{ product_id: string; available: number }>(
    {
      sql: `SELECT product_id, available FROM stock WHERE product_id IN (${lines.map(() => '?').join(', ')})`,
      values: lines.map(({ productId }) => productId),
    },
    trace,
  );
  return new Map(rows.map((row) => [row.product_id, Number(row.available)]));
}
