import { timestampOf } from '../../mesh/contract/timestamp.js';
import type { GuardedStatement, Row, Store } from '../../mesh/store/store.js';
import type { TraceContext } from '../../mesh/telemetry/trace-context.js';
import {
  type Reservation as ReservationMessage,
  ReservationState,
} from '../../proto/gen/meshmart/inventory/v1/inventory.js';
import type { Reservation, State } from './reservation.js';

/** A reservation with the version that its next change is guarded by; 0 for one that is not stored yet. */
export interface ReservationRecord {
  readonly reservation: Reservation | undefined;
  readonly version: number;
}

interface ReservationRow extends Row {
  readonly order_id: string;
  readonly id: string;
  readonly state: State;
  readonly expires_at_ms: number;
  readonly version: number;
}

/** Reads an order's reservation with its lines. */
export async function readReservation(
  store: Store,
  orderId: string,
  trace?: TraceContext,
): Promise<ReservationRecord> {
  const [row] = await store.query<ReservationRow>(
    { sql: 'SELECT * FROM reservations WHERE order_id = ?', values: [orderId] },
    trace,
  );
  if (row === undefined) return { reservation: undefined, version: 0 };
  const lines = await store.query<Row & { product_id: string; quantity: number }>(
    {
      sql: 'SELECT product_id, quantity FROM reservation_lines WHERE order_id = ? ORDER BY product_id',
      values: [orderId],
    },
    trace,
  );
  return {
    version: Number(row.version),
    reservation: {
      id: row.id,
      orderId,
      state: row.state,
      expiresAtMs: Number(row.expires_at_ms),
      lines: lines.map((line) => ({ productId: line.product_id, quantity: Number(line.quantity) })),
    },
  };
}

/** Writes a reservation's next state; somebody else's change in between undoes the whole batch (guard `reservation`). */
export function writeReservation(reservation: Reservation, version: number): GuardedStatement[] {
  const { orderId, id, state, expiresAtMs, lines } = reservation;
  if (version > 0) {
    return [
      {
        sql: 'UPDATE reservations SET state = ?, expires_at_ms = ?, version = ? WHERE order_id = ? AND version = ?',
        values: [state, expiresAtMs, version + 1, orderId, version],
        changes: 1,
        guard: 'reservation',
      },
    ];
  }
  return [
    {
      sql: `INSERT INTO reservations (order_id, id, state, expires_at_ms, version) VALUES (?, ?, ?, ?, 1)
        ON CONFLICT DO NOTHING`,
      values: [orderId, id, state, expiresAtMs],
      changes: 1,
      guard: 'reservation',
    },
    ...lines.map(({ productId, quantity }) => ({
      sql: 'INSERT INTO reservation_lines (order_id, product_id, quantity) VALUES (?, ?, ?)',
      values: [orderId, productId, quantity],
    })),
  ];
}

/** Order ids of held reservations whose time is over, the longest overdue first. */
export async function overdueOrders(store: Store, nowMs: number, limit: number): Promise<string[]> {
  const rows = await store.query<Row & { order_id: string }>({
    sql: `SELECT order_id FROM reservations WHERE state = 'held' AND expires_at_ms <= ?
      ORDER BY expires_at_ms, order_id LIMIT ?`,
    values: [nowMs, limit],
  });
  return rows.map((row) => row.order_id);
}

const wireStates: Readonly<Record<State, ReservationState>> = {
  held: ReservationState.RESERVATION_STATE_HELD,
  committed: ReservationState.RESERVATION_STATE_COMMITTED,
  released: ReservationState.RESERVATION_STATE_RELEASED,
  expired: ReservationState.RESERVATION_STATE_RELEASED,
};

/** A reservation as the contract shows it. */
export function messageOf(reservation: Reservation): ReservationMessage {
  return {
    id: reservation.id,
    orderId: reservation.orderId,
    lines: reservation.lines.map(({ productId, quantity }) => ({ productId, quantity })),
    state: wireStates[reservation.state],
    expiresAt: timestampOf(reservation.expiresAtMs),
  };
}
