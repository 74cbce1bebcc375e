import { MeshError } from '../../mesh/contract/error.js';
import { timestampOf } from '../../mesh/contract/timestamp.js';
import type { GuardedStatement, OutboxMessage, Row, Store } from '../../mesh/store/store.js';
import type { TraceContext } from '../../mesh/telemetry/trace-context.js';
import { type Payment, PaymentState } from '../../proto/gen/meshmart/payment/v1/payment.js';
import { PaymentAuthorized } from '../../proto/gen/meshmart/payment/v1/payment_events.js';
import { Money } from '../../proto/gen/meshmart/type/v1/money.js';
import { bookings, type PaymentChange, type PaymentStatus } from './payment-state.js';

/** The payment of an order, as it is kept. */
export interface KeptPayment {
  readonly orderId: string;
  readonly id: string;
  readonly userId: string;
  readonly state: PaymentStatus;
  /** Absent for a payment that was voided before it was made. */
  readonly amount: Money | undefined;
  readonly token: string;
  readonly brand: string;
  readonly last4: string;
  /** The processor's id; empty until it is known. */
  readonly authorizationId: string;
  readonly declineReason: string;
  /** The change that the processor was asked for, as long as its answer is not known. `pending` says so of authorizing. */
  readonly askedFor: PaymentChange | '';
  /** Until then a request to the processor may be under way, answered or not, here or elsewhere: nobody else asks. */
  readonly askedUntilMs: number;
  /** When to look whether the processor holds more than it should, because an answer was lost; 0 for no doubt. */
  readonly checkAtMs: number;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  /** Guards every change; 0 before the first write. */
  readonly version: number;
}

/** A payment before its first write. */
export function newPayment(orderId: string, id: string, state: PaymentStatus, nowMs: number): KeptPayment {
  return {
    orderId,
    id,
    userId: '',
    state,
    amount: undefined,
    token: '',
    brand: '',
    last4: '',
    authorizationId: '',
    declineReason: '',
    askedFor: '',
    askedUntilMs: 0,
    checkAtMs: 0,
    createdAtMs: nowMs,
    updatedAtMs: nowMs,
    version: 0,
  };
}

export async function loadPayment(
  store: Store,
  orderId: string,
  trace?: TraceContext,
): Promise<KeptPayment | undefined> {
  const [row] = await store.query<Row>(
    { sql: 'SELECT * FROM payments WHERE order_id = ?', values: [orderId] },
    trace,
  );
  if (row === undefined) return undefined;
  const text = (column: string) => String(row[column]);
  return {
    orderId,
    id: text('id'),
    userId: text('user_id'),
    state: text('state') as PaymentStatus,
    amount: row['amount'] == null ? undefined : Money.decode(row['amount'] as Uint8Array),
    token: text('token'),
    brand: text('brand'),
    last4: text('last4'),
    authorizationId: text('authorization_id'),
    declineReason: text('decline_reason'),
    askedFor: text('asked_for') as PaymentChange | '',
    askedUntilMs: Number(row['asked_until_ms']),
    checkAtMs: Number(row['check_at_ms']),
    createdAtMs: Number(row['created_at_ms']),
    updatedAtMs: Number(row['updated_at_ms']),
    version: Number(row['version']),
  };
}

/** Writes a payment over the version that was loaded. */
export function savePayment(payment: KeptPayment, nowMs: number): GuardedStatement {
  const amount = payment.amount === undefined ? null : Money.encode(payment.amount).finish();
  return payment.version === 0
    ? {
        sql: `INSERT INTO payments (order_id, id, user_id, state, amount, token, brand, last4, authorization_id, decline_reason, asked_for, asked_until_ms, check_at_ms, created_at_ms, updated_at_ms, version)
          VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1) ON CONFLICT DO NOTHING`,
        values: [
          payment.orderId,
          payment.id,
          payment.userId,
          payment.state,
          amount,
          payment.token,
          payment.brand,
          payment.last4,
          payment.authorizationId,
          payment.declineReason,
          payment.askedFor,
          payment.askedUntilMs,
          payment.checkAtMs,
          payment.createdAtMs,
          nowMs,
        ],
        changes: 1,
        guard: 'payment',
      }
    : {
        sql: `UPDATE payments SET state = ?, authorization_id = ?, decline_reason = ?, asked_for = ?, asked_until_ms = ?, check_at_ms = ?,
          updated_at_ms = ?, version = version + 1 WHERE order_id = ? AND version = ?`,
        values: [
          payment.state,
          payment.authorizationId,
          payment.declineReason,
          payment.askedFor,
          payment.askedUntilMs,
          payment.checkAtMs,
          nowMs,
          payment.orderId,
          payment.version,
        ],
        changes: 1,
        guard: 'payment',
      };
}

/** The bookings of a change. The entry's name is unique for it, so that it can't be booked twice. */
export function bookChange(
  payment: KeptPayment,
  change: 'authorize' | PaymentChange,
  nowMs: number,
): GuardedStatement[] {
  const { amount } = payment;
  if (amount === undefined) return [];
  return bookings(change, amount).map(({ account, nanos }) => ({
    sql: 'INSERT INTO ledger (entry, payment_id, account, currency, nanos, at_ms) VALUES (?, ?, ?, ?, ?, ?)',
    values: [`${payment.id}:${change}:${account}`, payment.id, account, amount.currencyCode, nanos, nowMs],
  }));
}

const eventNames: Partial<Record<PaymentStatus, string>> = {
  authorized: 'PaymentAuthorized',
  declined: 'PaymentDeclined',
  captured: 'PaymentCaptured',
  voided: 'PaymentVoided',
  refunded: 'PaymentRefunded',
};

/** What others are told of a payment's new state. The five events have the same fields. */
export function paymentEvent(payment: KeptPayment, nowMs: number): OutboxMessage[] {
  const name = eventNames[payment.state];
  if (name === undefined) return [];
  const data = PaymentAuthorized.encode({
    paymentId: payment.id,
    orderId: payment.orderId,
    amount: payment.amount,
    occurredAt: timestampOf(nowMs),
  }).finish();
  return [{ type: `meshmart.payment.v1.${name}`, key: payment.orderId, data }];
}

const states: Readonly<Record<PaymentStatus, PaymentState>> = {
  pending: PaymentState.PAYMENT_STATE_PENDING,
  authorized: PaymentState.PAYMENT_STATE_AUTHORIZED,
  declined: PaymentState.PAYMENT_STATE_DECLINED,
  captured: PaymentState.PAYMENT_STATE_CAPTURED,
  voided: PaymentState.PAYMENT_STATE_VOIDED,
  refunded: PaymentState.PAYMENT_STATE_REFUNDED,
};

/** A payment as the contract shows it. */
export function shownPayment(payment: KeptPayment): Payment {
  const { id, orderId, state, amount, brand, last4, declineReason, createdAtMs, updatedAtMs } = payment;
  return {
    id,
    orderId,
    state: states[state],
    amount,
    brand,
    last4,
    declineReason,
    createdAt: timestampOf(createdAtMs),
    updatedAt: timestampOf(updatedAtMs),
  };
}

export function paymentNotFound(orderId: string): MeshError {
  return new MeshError({
    code: 'NOT_FOUND',
    reason: 'PAYMENT_NOT_FOUND',
    message: `there is no payment for order ${orderId}`,
  });
}
