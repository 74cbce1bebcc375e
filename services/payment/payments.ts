import { MeshError } from '../../mesh/contract/error.js';
import type { CallContext } from '../../mesh/rpc/context.js';
import type { ServicePorts } from '../../mesh/runtime/service.js';
import { type Row, StoreConflict } from '../../mesh/store/store.js';
import type { AuthorizeRequest } from '../../proto/gen/meshmart/payment/v1/payment.js';
import type { CardProcessor, PresentedCard, ProcessorAuthorization } from './card-processor.js';
import { decideChange, type PaymentChange, type PaymentStatus } from './payment-state.js';
import { bookChange, type KeptPayment, loadPayment, paymentEvent, savePayment } from './payment-store.js';
import type { Vault } from './vault.js';

/** What is done with money: one payment an order, whatever is repeated, lost or killed. */
export interface Payments {
  /** @throws MeshError NOT_FOUND, FAILED_PRECONDITION (PAYMENT_VOIDED), UNAVAILABLE when the outcome is not known. */
  authorize(request: AuthorizeRequest, context: CallContext): Promise<KeptPayment>;
  /** @throws MeshError FAILED_PRECONDITION (PAYMENT_STATE), UNAVAILABLE when the outcome is not known. */
  change(payment: KeptPayment, change: PaymentChange, context: CallContext): Promise<KeptPayment>;
  /** Makes sure that an order that has no payment never gets one. */
  forbid(orderId: string, context: CallContext): Promise<KeptPayment>;
  /** Finds out what became of payments whose outcome is not known, and lets go what is held twice. */
  resolve(payment: KeptPayment, context: CallContext): Promise<KeptPayment>;
}

const stateAfter: Readonly<Record<PaymentChange, PaymentStatus>> = {
  capture: 'captured',
  void: 'voided',
  refund: 'refunded',
};

export function createPayments(ports: ServicePorts, vault: Vault, processor: CardProcessor): Payments {
  const { store, clock, ids } = ports;

  /** Writes the new state with its bookings and its event; gives what is there when another call was quicker. */
  const save = async (
    payment: KeptPayment,
    booked: 'authorize' | PaymentChange | undefined,
    context: CallContext,
  ): Promise<KeptPayment> => {
    const nowMs = clock.nowMs();
    try {
      await store.commit({
        statements: [
          savePayment(payment, nowMs),
          ...(booked === undefined ? [] : bookChange(payment, booked, nowMs)),
        ],
        outbox: paymentEvent(payment, nowMs),
        trace: context.trace,
      });
    } catch (error) {
      if (!(error instanceof StoreConflict)) throw error;
      // The other call did it or decided otherwise: the caller asks again and sees.
      throw new MeshError({
        code: 'ABORTED',
        reason: 'CONFLICT',
        message: `the payment of order ${payment.orderId} is being changed: ask again`,
      });
    }
    return (await loadPayment(store, payment.orderId, context.trace)) as KeptPayment;
  };

  const cardOf = async (token: string, userId: string, context: CallContext) => {
    const [row] = await store.query<Row & { sealed: Uint8Array }>(
      { sql: 'SELECT * FROM cards WHERE token = ? AND user_id = ?', values: [token, userId] },
      context.trace,
    );
    if (row === undefined) {
      throw new MeshError({
        code: 'NOT_FOUND',
        reason: 'PAYMENT_TOKEN_NOT_FOUND',
        message: 'the buyer has no such card: tokenize it again',
      });
    }
    return row;
  };

  /** The answer of the processor becomes the payment's state. */
  const settle = (
    payment: KeptPayment,
    authorization: ProcessorAuthorization,
    context: CallContext,
  ): Promise<KeptPayment> => {
    const state = authorization.state === 'declined' ? 'declined' : 'authorized';
    const next = {
      ...payment,
      state,
      authorizationId: authorization.id,
      declineReason: authorization.declineReason ?? '',
    } as const;
    return save(next, state === 'authorized' ? 'authorize' : undefined, context);
  };

  /**
   * Asks the processor what it has for an order. Where it has several live ones (it ignores keys, and an answer was lost), the
   * first is kept and the others are let go, so that the buyer's money is held once.
   */
  const lookUp = async (
    orderId: string,
    context: CallContext,
  ): Promise<ProcessorAuthorization | undefined> => {
    const found = await processor.find(orderId, context);
    const [first, ...surplus] = found.filter(
      (authorization) => authorization.state === 'authorized' || authorization.state === 'captured',
    );
    for (const extra of surplus)
      if (extra.state === 'authorized')
        await processor.void(extra.id, `${orderId}:void:${extra.id}`, context);
    return first ?? found.find((authorization) => authorization.state === 'declined');
  };

  const ask = async (payment: KeptPayment, context: CallContext): Promise<KeptPayment> => {
    const row = await cardOf(payment.token, payment.userId, context);
    const card: PresentedCard = {
      number: vault.open(row.sealed, payment.token),
      expiryMonth: Number(row['expiry_month']),
      expiryYear: Number(row['expiry_year']),
    };
    if (payment.amount === undefined) throw new Error(`payment ${payment.id} has no amount`);
    return settle(
      payment,
      await processor.authorize(
        payment.orderId,
        `${payment.orderId}:authorize`,
        card,
        payment.amount,
        context,
      ),
      context,
    );
  };

  const resolve = async (payment: KeptPayment, context: CallContext): Promise<KeptPayment> => {
    const known = await lookUp(payment.orderId, context);
    return known === undefined ? payment : settle(payment, known, context);
  };

  return {
    resolve,

    authorize: async (request, context) => {
      const { orderId, userId, paymentToken: token, amount } = request;
      const before = await loadPayment(store, orderId, context.trace);
      if (before === undefined) {
        const card = await cardOf(token, userId, context);
        const nowMs = clock.nowMs();
        // The intent is durable before the processor is asked: whatever happens then, somebody knows that it may have.
        const intent = await save(
          {
            orderId,
            id: ids('pay'),
            userId,
            state: 'pending',
            amount,
            token,
            brand: String(card['brand']),
            last4: String(card['last4']),
            authorizationId: '',
            declineReason: '',
            createdAtMs: nowMs,
            updatedAtMs: nowMs,
            version: 0,
          },
          undefined,
          context,
        );
        return ask(intent, context);
      }
      if (before.state === 'voided') {
        throw new MeshError({
          code: 'FAILED_PRECONDITION',
          reason: 'PAYMENT_VOIDED',
          message: `the payment of order ${orderId} was voided: it is not made any more`,
        });
      }
      if (before.state !== 'pending') return before;
      const resolved = await resolve(before, context);
      return resolved.state === 'pending' ? ask(resolved, context) : resolved;
    },

    change: async (payment, change, context) => {
      if (decideChange(payment.state, change) === 'done') return payment;
      // A void of what is not known to be held must find out first: the processor may hold it.
      const known = payment.state === 'pending' ? await lookUp(payment.orderId, context) : undefined;
      const authorizationId = payment.authorizationId || (known?.state === 'authorized' ? known.id : '');
      const booked = payment.state === 'pending' ? undefined : change;
      if (authorizationId !== '') {
        const done = await processor[change](authorizationId, `${payment.orderId}:${change}`, context).catch(
          async (error: unknown) => {
            // It may have been done before its answer was lost; then the processor says so.
            const now = await processor.get(authorizationId, context);
            if (now.state === stateAfter[change]) return now;
            throw error;
          },
        );
        if (done.state !== stateAfter[change] && !(change === 'capture' && done.state === 'refunded')) {
          throw new MeshError({
            code: 'UNAVAILABLE',
            reason: 'UNAVAILABLE',
            message: `the card processor has the payment as ${done.state}: ask again`,
          });
        }
      }
      return save({ ...payment, state: stateAfter[change], authorizationId }, booked, context);
    },

    forbid: async (orderId, context) => {
      const nowMs = clock.nowMs();
      const tombstone: KeptPayment = {
        orderId,
        id: ids('pay'),
        userId: '',
        state: 'voided',
        amount: undefined,
        token: '',
        brand: '',
        last4: '',
        authorizationId: '',
        declineReason: '',
        createdAtMs: nowMs,
        updatedAtMs: nowMs,
        version: 0,
      };
      return save(tombstone, undefined, context);
    },
  };
}
