import type { OrderSaga } from './state.js';

/** What an order needs next. Each names what the participants are asked for. */
export type Step = 'reserve' | 'authorize' | 'settle' | 'ship' | 'void' | 'release';

/**
 * The step that is due, or undefined for an order that has ended. Pure.
 *
 * ```text
 * reserve > authorize > (Confirmed, the pivot) > settle: commit the stock, capture the money > ship > (Shipped)
 *     refused or cancelled before the pivot:  void > release > (Rejected or Cancelled)
 * ```
 * Once an order is to be undone, whatever may have happened is undone, whether or not its answer was ever seen: a void
 * or release of nothing leaves a tombstone with the participant, so that a late message can't do it after all.
 */
export function nextStep(saga: OrderSaga): Step | undefined {
  if (saga.final) return undefined;
  if (saga.confirmed) return saga.stockCommitted && saga.captured ? 'ship' : 'settle';
  if (saga.cancelRequested || saga.failure !== undefined) {
    // Payment is only asked once the stock is reserved.
    const mayHoldMoney = saga.stock === 'done' && (saga.payment === 'unknown' || saga.payment === 'done');
    return mayHoldMoney ? 'void' : 'release';
  }
  return saga.stock === 'unknown' ? 'reserve' : 'authorize';
}

/** The idempotency key of a request to a participant: the same for every try, across crashes. */
export function stepKey(orderId: string, request: string): string {
  return `${orderId}:${request}`;
}
