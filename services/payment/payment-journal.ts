import { MeshError } from '../../mesh/contract/error.js';
import type { CallContext } from '../../mesh/rpc/context.js';
import type { ServicePorts } from '../../mesh/runtime/service.js';
import { type Batch, StoreConflict } from '../../mesh/store/store.js';
import type { ProcessorAuthorization } from './card-processor.js';
import type { PaymentChange } from './payment-state.js';
import { bookChange, type KeptPayment, paymentEvent, savePayment } from './payment-store.js';

/**
 * Writes payments, each over the version that was loaded; gives the payment as it is then.
 * Every method throws MeshError ABORTED (CONFLICT) when another instance was quicker: it did the same or decided otherwise,
 * and the caller asks again and sees.
 */
export interface PaymentJournal {
  /** What is about to be asked, or what is doubtful: nothing that others are told of. */
  note(payment: KeptPayment, context: CallContext): Promise<KeptPayment>;
  /** A new state, with its bookings and its event; nothing is being asked any more. */
  settle(
    payment: KeptPayment,
    booked: 'authorize' | PaymentChange | undefined,
    context: CallContext,
  ): Promise<KeptPayment>;
  /** The processor's answer to an authorization becomes the payment's state. */
  settleAuthorization(
    payment: KeptPayment,
    answer: ProcessorAuthorization,
    context: CallContext,
  ): Promise<KeptPayment>;
}

export function createPaymentJournal({
  store,
  clock,
}: Pick<ServicePorts, 'store' | 'clock'>): PaymentJournal {
  const write = async (
    payment: KeptPayment,
    nowMs: number,
    more: Pick<Batch, 'statements' | 'outbox'>,
    { trace }: CallContext,
  ): Promise<KeptPayment> => {
    try {
      const statements = [savePayment(payment, nowMs), ...(more.statements ?? [])];
      await store.commit({ ...more, statements, trace });
    } catch (error) {
      if (!(error instanceof StoreConflict)) throw error;
      throw new MeshError({
        code: 'ABORTED',
        reason: 'CONFLICT',
        message: `the payment of order ${payment.orderId} is being changed: ask again`,
      });
    }
    return { ...payment, updatedAtMs: nowMs, version: payment.version + 1 };
  };
  const settle: PaymentJournal['settle'] = (payment, booked, context) => {
    const nowMs = clock.nowMs();
    const settled: KeptPayment = { ...payment, askedFor: '', askedUntilMs: 0 };
    const statements = booked === undefined ? [] : bookChange(settled, booked, nowMs);
    return write(settled, nowMs, { statements, outbox: paymentEvent(settled, nowMs) }, context);
  };
  return {
    note: (payment, context) => write(payment, clock.nowMs(), {}, context),
    settle,
    settleAuthorization: (payment, { id: authorizationId, state, declineReason = '' }, context) =>
      state === 'declined'
        ? settle({ ...payment, state, authorizationId, declineReason }, undefined, context)
        : settle({ ...payment, state: 'authorized', authorizationId }, 'authorize', context),
  };
}
