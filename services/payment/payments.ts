import { MeshError } from '../../mesh/contract/error.js';
import type { CallContext } from '../../mesh/rpc/context.js';
import type { ServicePorts } from '../../mesh/runtime/service.js';
import type { Row } from '../../mesh/store/store.js';
import type { AuthorizeRequest } from '../../proto/gen/meshmart/payment/v1/payment.js';
import type { CardProcessor, PresentedCard, ProcessorAuthorization } from './card-processor.js';
import { oneAtATime } from './one-at-a-time.js';
import { createPaymentJournal } from './payment-journal.js';
import { decideChange, type PaymentChange, type PaymentStatus } from './payment-state.js';
import { type KeptPayment, loadPayment, newPayment, paymentNotFound } from './payment-store.js';
import { processorTimeout } from './settings.js';
import type { Vault } from './vault.js';

/** What is done with money: one payment an order, whatever is repeated, overlaps, is lost or killed. */
export interface Payments {
  /** @throws MeshError NOT_FOUND, FAILED_PRECONDITION (PAYMENT_VOIDED), UNAVAILABLE when the outcome is not known. */
  authorize(request: AuthorizeRequest, context: CallContext): Promise<KeptPayment>;
  /**
   * Captures, voids or refunds. The void of an order that has no payment makes sure that it never gets one.
   * @throws MeshError NOT_FOUND, FAILED_PRECONDITION (PAYMENT_STATE), UNAVAILABLE when the outcome is not known.
   */
  change(orderId: string, change: PaymentChange, context: CallContext): Promise<KeptPayment>;
  /** Finds out what became of requests whose answer is not known, and lets go what is held without need. */
  clear(orderId: string, context: CallContext): Promise<void>;
}

export type PaymentPorts = Pick<ServicePorts, 'store' | 'clock' | 'ids' | 'setting'>;

const stateAfter: Readonly<Record<PaymentChange, PaymentStatus>> = {
  capture: 'captured',
  void: 'voided',
  refund: 'refunded',
};

/** A request may be on its way for a moment longer than its answer is waited for. */
const claimMarginMs = 1_000;
/** A hold that nobody asked for any more may appear at the processor as late as this after it was asked for. */
const lateMs = 60_000;

/**
 * Three things keep money from being taken twice by a processor that knows no idempotency keys:
 * - in this process, the calls of an order go one at a time;
 * - the intent to ask is on disk before the processor is asked, and says until when the request may be under way. Written
 *   over the version that was loaded, it also keeps other instances from asking meanwhile;
 * - whoever finds an intent without an answer asks the processor what it has, by our reference, before asking anew. What
 *   it has too much, because a request arrived after it was given up, is let go when it is found.
 */
export function createPayments(ports: PaymentPorts, vault: Vault, processor: CardProcessor): Payments {
  const { store, clock, ids } = ports;
  const { note, settle, settleAuthorization } = createPaymentJournal(ports);
  const claimMs = processorTimeout(ports.setting) + claimMarginMs;
  const inTurn = oneAtATime();

  const doubtful = (payment: KeptPayment): KeptPayment => ({ ...payment, checkAtMs: clock.nowMs() + lateMs });

  /** The intent to ask, on disk, so that nobody else does. @throws MeshError UNAVAILABLE while a request may be under way. */
  const claim = (
    payment: KeptPayment,
    askedFor: PaymentChange | '',
    context: CallContext,
  ): Promise<KeptPayment> => {
    requireUnclaimed(payment);
    return note({ ...payment, askedFor, askedUntilMs: clock.nowMs() + claimMs }, context);
  };
  const requireUnclaimed = ({ orderId, askedUntilMs }: KeptPayment) => {
    if (askedUntilMs <= clock.nowMs()) return;
    throw new MeshError({
      code: 'UNAVAILABLE',
      reason: 'UNAVAILABLE',
      message: `the card processor is being asked about order ${orderId}, and has not answered yet: ask again`,
    });
  };
  const cardOf = async (token: string, userId: string, context: CallContext) => {
    const [row] = await store.query<Row & { sealed: Uint8Array }>(
      { sql: 'SELECT * FROM cards WHERE token = ? AND user_id = ?', values: [token, userId] },
      context.trace,
    );
    if (row !== undefined) return row;
    throw new MeshError({
      code: 'NOT_FOUND',
      reason: 'PAYMENT_TOKEN_NOT_FOUND',
      message: 'the buyer has no such card: tokenize it again',
    });
  };

  /** Asks for an authorization that was claimed. */
  const ask = async (claimed: KeptPayment, context: CallContext): Promise<KeptPayment> => {
    const { orderId, token, amount } = claimed;
    const row = await cardOf(token, claimed.userId, context);
    const card: PresentedCard = {
      number: vault.open(row.sealed, token),
      expiryMonth: Number(row['expiry_month']),
      expiryYear: Number(row['expiry_year']),
    };
    if (amount === undefined) throw new Error(`payment ${claimed.id} has no amount`);
    const answer = await processor.authorize(orderId, `${orderId}:authorize`, card, amount, context);
    return settleAuthorization(claimed, answer, context);
  };

  /** What became of a request whose answer was never seen: the processor knows. As it is where there is none. */
  const learn = async (payment: KeptPayment, context: CallContext): Promise<KeptPayment> => {
    const { orderId, askedFor, authorizationId } = payment;
    if (payment.state === 'pending') {
      const found = await processor.find(orderId, context);
      const known = found.find(isLive) ?? found.find(({ state }) => state === 'declined');
      if (known === undefined) return payment;
      const settled = await settleAuthorization(doubtful(payment), known, context);
      // Which one is kept is on disk now. If letting go fails, the check to come does it.
      await letGoSurplus(settled, found, context).catch(() => undefined);
      return settled;
    }
    if (askedFor === '') return payment;
    const { state } = await processor.get(authorizationId, context);
    const done = state === stateAfter[askedFor] || (askedFor === 'capture' && state === 'refunded');
    return done ? settle({ ...payment, state: stateAfter[askedFor] }, askedFor, context) : payment;
  };

  /** Lets go what the processor holds for the order beside the payment's own authorization. */
  const letGoSurplus = async (
    payment: KeptPayment,
    found: readonly ProcessorAuthorization[],
    context: CallContext,
  ): Promise<void> => {
    const { orderId, state, authorizationId } = payment;
    const kept = state === 'authorized' || state === 'captured' ? authorizationId : undefined;
    for (const { id, state: held } of found)
      if (held === 'authorized' && id !== kept) await processor.void(id, `${orderId}:void:${id}`, context);
  };

  /** Has the processor make a change to what it holds. */
  const make = async (
    payment: KeptPayment,
    change: PaymentChange,
    context: CallContext,
  ): Promise<KeptPayment> => {
    const { orderId, authorizationId } = payment;
    const claimed = await claim(payment, change, context);
    let answer: ProcessorAuthorization;
    try {
      answer = await processor[change](authorizationId, `${orderId}:${change}`, context);
    } catch (error) {
      // It may have been done before its answer was lost; then the processor says so.
      const known = await learn(claimed, context);
      if (known.state === stateAfter[change]) return known;
      throw error;
    }
    if (answer.state === stateAfter[change] || (change === 'capture' && answer.state === 'refunded'))
      return settle({ ...claimed, state: stateAfter[change] }, change, context);
    throw new MeshError({
      code: 'UNAVAILABLE',
      reason: 'UNAVAILABLE',
      message: `the card processor has the payment as ${answer.state}: ask again`,
    });
  };

  return {
    authorize: (request, context) =>
      inTurn(request.orderId, context.signal, async () => {
        const { orderId, userId, paymentToken: token, amount } = request;
        const before = await loadPayment(store, orderId, context.trace);
        if (before === undefined) {
          const card = await cardOf(token, userId, context);
          const intent = {
            ...newPayment(orderId, ids('pay'), 'pending', clock.nowMs()),
            ...{ userId, amount, token, brand: String(card['brand']), last4: String(card['last4']) },
          };
          return ask(await claim(intent, '', context), context);
        }
        if (before.state === 'voided') {
          throw new MeshError({
            code: 'FAILED_PRECONDITION',
            reason: 'PAYMENT_VOIDED',
            message: `the payment of order ${orderId} was voided: it is not made any more`,
          });
        }
        if (before.state !== 'pending') return before;
        const known = await learn(before, context);
        return known.state === 'pending' ? ask(await claim(doubtful(known), '', context), context) : known;
      }),

    change: (orderId, change, context) =>
      inTurn(orderId, context.signal, async () => {
        const before = await loadPayment(store, orderId, context.trace);
        if (before === undefined) {
          if (change !== 'void') throw paymentNotFound(orderId);
          return settle(newPayment(orderId, ids('pay'), 'voided', clock.nowMs()), undefined, context);
        }
        const known = await learn(before, context);
        if (decideChange(known.state, change) === 'done') return known;
        if (known.state !== 'pending') return make(known, change, context);
        // A void, and the processor holds nothing so far: that is certain only when no request is under way.
        requireUnclaimed(known);
        return settle(doubtful({ ...known, state: 'voided' }), undefined, context);
      }),

    clear: (orderId, context) =>
      inTurn(orderId, context.signal, async () => {
        const before = await loadPayment(store, orderId, context.trace);
        if (before === undefined) return;
        const known = await learn(before, context);
        if (known.state === 'pending' || known.checkAtMs === 0 || known.checkAtMs > clock.nowMs()) return;
        await letGoSurplus(known, await processor.find(orderId, context), context);
        await note({ ...known, checkAtMs: 0 }, context);
      }),
  };
}

function isLive({ state }: ProcessorAuthorization): boolean {
  return state === 'authorized' || state === 'captured';
}
