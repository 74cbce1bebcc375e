import { MeshError } from '../../mesh/contract/error.js';
import type { CallContext } from '../../mesh/rpc/context.js';
import type { ServicePorts } from '../../mesh/runtime/service.js';
import { Reason } from '../../proto/gen/meshmart/error/v1/error.js';
import { InventoryServiceDefinition } from '../../proto/gen/meshmart/inventory/v1/inventory.js';
import { PaymentServiceDefinition, PaymentState } from '../../proto/gen/meshmart/payment/v1/payment.js';
import { ShippingServiceDefinition } from '../../proto/gen/meshmart/shipping/v1/shipping.js';
import { type Outcome, refusalOf } from './decide.js';
import { type Step, stepKey } from './next-step.js';
import { weightOf } from './pricing.js';
import type { OrderSaga } from './state.js';

/** Asks the participants of a step and gives their final word. @throws MeshError when it is not known: ask again. */
export type Participants = (saga: OrderSaga, step: Step, context: CallContext) => Promise<Outcome>;

/** The steps as calls to inventory, payment and shipping; every request has a key that never changes. */
export function createParticipants(ports: ServicePorts): Participants {
  const inventory = ports.client(InventoryServiceDefinition);
  const payment = ports.client(PaymentServiceDefinition);
  const shipping = ports.client(ShippingServiceDefinition);

  return async (saga, step, context) => {
    const { order } = saga;
    const orderId = order.id;
    const keyed = (request: string) => ({ idempotencyKey: stepKey(orderId, request) });
    switch (step) {
      case 'reserve': {
        const lines = order.lines.map(({ productId, quantity }) => ({ productId, quantity }));
        try {
          const { reservation } = await inventory.reserve({ orderId, lines }, context, keyed('reserve'));
          return { step, reservationId: reservation?.id ?? '' };
        } catch (error) {
          return { step, refusal: refusalOrThrow(error) };
        }
      }
      case 'authorize':
        try {
          const request = {
            orderId,
            userId: order.userId,
            paymentToken: saga.paymentToken,
            amount: order.total,
          };
          const { payment: made } = await payment.authorize(request, context, keyed('authorize'));
          if (made?.state === PaymentState.PAYMENT_STATE_DECLINED) {
            return {
              step,
              refusal: {
                reason: Reason.REASON_PAYMENT_DECLINED,
                message: `the card was declined: ${made.declineReason}`,
              },
            };
          }
          // Money counts as held only when payment says so; pending, or a word of a later version, is asked for again.
          if (
            made?.state !== PaymentState.PAYMENT_STATE_AUTHORIZED &&
            made?.state !== PaymentState.PAYMENT_STATE_CAPTURED
          ) {
            throw new MeshError({
              code: 'UNAVAILABLE',
              reason: 'UNAVAILABLE',
              message: `whether the payment of order ${orderId} is held is not known yet: ask again`,
            });
          }
          return { step, paymentId: made.id };
        } catch (error) {
          return { step, refusal: refusalOrThrow(error) };
        }
      case 'settle': {
        const [committed, captured] = await Promise.allSettled([
          saga.stockCommitted ? undefined : inventory.commit({ orderId }, context, keyed('commit')),
          saga.captured ? undefined : payment.capture({ orderId }, context, keyed('capture')),
        ]);
        // One that is done is noted even when the other must be asked again.
        if (committed.status === 'rejected' && captured.status === 'rejected') throw captured.reason;
        if (committed.status === 'rejected' && saga.captured) throw committed.reason;
        if (captured.status === 'rejected' && saga.stockCommitted) throw captured.reason;
        const failed = [committed, captured].find((part) => part.status === 'rejected');
        return {
          step,
          stockCommitted: committed.status === 'fulfilled',
          captured: captured.status === 'fulfilled',
          ...(failed === undefined ? {} : { undone: failed.reason }),
        };
      }
      case 'ship': {
        const { shipment } = await shipping.createShipment(
          {
            orderId,
            userId: order.userId,
            address: order.shippingAddress,
            optionId: order.shippingOptionId,
            weightGrams: weightOf(order.lines),
          },
          context,
          keyed('ship'),
        );
        return { step, shipmentId: shipment?.id ?? '', trackingNumber: shipment?.trackingNumber ?? '' };
      }
      case 'void':
        await payment.void({ orderId }, context, keyed('void'));
        return { step };
      case 'release':
        await inventory.release({ orderId }, context, keyed('release'));
        return { step };
      default:
        return step satisfies never;
    }
  };
}

function refusalOrThrow(error: unknown) {
  const refusal = refusalOf(error);
  if (refusal === undefined) throw error;
  return refusal;
}
