import { MeshError } from '../../mesh/contract/error.js';
import { Reason } from '../../proto/gen/meshmart/error/v1/error.js';
import type { OrderFailure } from '../../proto/gen/meshmart/order/v1/order.js';
import type { OrderEvent, OrderSaga } from './state.js';

/** How a participant answered, once that is known. What is not known is asked again, never decided on. */
export type Outcome =
  | { readonly step: 'reserve'; readonly reservationId: string }
  | { readonly step: 'reserve'; readonly refusal: OrderFailure }
  | { readonly step: 'authorize'; readonly paymentId: string }
  | { readonly step: 'authorize'; readonly refusal: OrderFailure }
  | {
      readonly step: 'settle';
      readonly stockCommitted: boolean;
      readonly captured: boolean;
      /** Why one of the two is not known to be done: it is asked for again, after a while. */
      readonly undone?: unknown;
    }
  | { readonly step: 'ship'; readonly shipmentId: string; readonly trackingNumber: string }
  | { readonly step: 'void' }
  | { readonly step: 'release' };

/** The events that an outcome leads to. Pure. */
export function decide(saga: OrderSaga, outcome: Outcome): OrderEvent[] {
  switch (outcome.step) {
    case 'reserve':
      // Not rejected yet: an earlier try, whose answer was lost, may still set the pieces aside. The release stops it.
      if ('refusal' in outcome) return [{ $case: 'stockRefused', value: { failure: outcome.refusal } }];
      return [{ $case: 'stockReserved', value: { reservationId: outcome.reservationId } }];
    case 'authorize':
      if ('refusal' in outcome) return [{ $case: 'paymentRefused', value: { failure: outcome.refusal } }];
      // The pivot goes to disk together with what leads to it: an order is never left between the two.
      return [
        { $case: 'paymentAuthorized', value: { paymentId: outcome.paymentId } },
        { $case: 'confirmed', value: {} },
      ];
    case 'settle':
      return [
        ...(outcome.stockCommitted && !saga.stockCommitted
          ? [{ $case: 'stockCommitted', value: {} } as const]
          : []),
        ...(outcome.captured && !saga.captured ? [{ $case: 'paymentCaptured', value: {} } as const] : []),
      ];
    case 'ship':
      return [
        {
          $case: 'shipped',
          value: { shipmentId: outcome.shipmentId, trackingNumber: outcome.trackingNumber },
        },
      ];
    case 'void':
      return [{ $case: 'paymentVoided', value: {} }];
    case 'release':
      return [
        { $case: 'stockReleased', value: {} },
        saga.failure === undefined
          ? { $case: 'cancelled', value: {} }
          : { $case: 'rejected', value: { failure: saga.failure } },
      ];
    default:
      return outcome satisfies never;
  }
}

/**
 * What a buyer's wish to cancel leads to; nothing when the order is being cancelled already.
 * @throws MeshError FAILED_PRECONDITION (ORDER_NOT_CANCELLABLE) after the pivot, or when the order was refused.
 */
export function decideCancel(saga: OrderSaga, reason: string): OrderEvent[] {
  if (saga.cancelRequested) return [];
  if (saga.confirmed || saga.final || saga.failure !== undefined) {
    throw new MeshError({
      code: 'FAILED_PRECONDITION',
      reason: 'ORDER_NOT_CANCELLABLE',
      message: saga.confirmed
        ? `order ${saga.order.id} is confirmed: it goes on its way, and only an operator can refund it`
        : `order ${saga.order.id} was refused already: there is nothing to cancel`,
    });
  }
  return [{ $case: 'cancelRequested', value: { reason } }];
}

/**
 * Whether a participant's error is its final word. Anything else (no answer, too late, overloaded, a mistake) says nothing
 * about what happened: unknown is not refused.
 */
export function refusalOf(thrown: unknown): OrderFailure | undefined {
  const error = MeshError.from(thrown);
  const definite =
    error.code === 'FAILED_PRECONDITION' || error.code === 'NOT_FOUND' || error.code === 'INVALID_ARGUMENT';
  return definite ? { reason: Reason[`REASON_${error.reason}`], message: error.message } : undefined;
}
