import { MeshError } from '../../mesh/contract/error.js';
import { type CallContext, userOf } from '../../mesh/rpc/context.js';
import { numberSettings } from '../../mesh/runtime/number-setting.js';
import type { ServicePorts } from '../../mesh/runtime/service.js';
import { formatTraceparent } from '../../mesh/telemetry/trace-context.js';
import { CartServiceDefinition } from '../../proto/gen/meshmart/cart/v1/cart.js';
import { CatalogServiceDefinition } from '../../proto/gen/meshmart/catalog/v1/catalog.js';
import {
  OrderState,
  type PlaceOrderRequest,
  PlaceOrderResponse,
} from '../../proto/gen/meshmart/order/v1/order.js';
import { ShippingServiceDefinition } from '../../proto/gen/meshmart/shipping/v1/shipping.js';
import { batchOf, loadOwnOrder } from './order-store.js';
import { orderLines, type PricedOrder, priceOrder, weightOf } from './pricing.js';
import type { SagaRunner } from './saga.js';
import type { OrderEvent } from './state.js';

/** States that are no answer yet: REST says 202. */
const undecided = [
  OrderState.ORDER_STATE_PLACED,
  OrderState.ORDER_STATE_STOCK_RESERVED,
  OrderState.ORDER_STATE_PAYMENT_AUTHORIZED,
  OrderState.ORDER_STATE_COMPENSATING,
];

/**
 * PlaceOrder: durable first, decided after. The order, the command, the projection and the event go to disk in one
 * transaction; then the saga is woken and its verdict awaited for a while. The first answer that is recorded is the answer,
 * for this call and for all that repeat it.
 */
export function placeOrder(ports: ServicePorts, saga: SagaRunner) {
  const { store, clock, ids } = ports;
  const answerWithinMs = numberSettings('order', ports.setting)('answerWithinMs', { least: 0, most: 60_000 });
  const price = pricer(ports);

  return async (request: PlaceOrderRequest, context: CallContext): Promise<PlaceOrderResponse> => {
    const answerAtMs = clock.monotonicMs() + answerWithinMs;
    const { command } = context;
    if (command === undefined) throw new Error('PlaceOrder without a command: its contract requires a key');
    const found = await store.findCommand(command, context.trace);
    if (found?.response != null) return answered(PlaceOrderResponse.decode(found.response));
    /** Whether this call placed it, and so takes it on. */
    let mine = false;
    const orderId = found?.reference ?? (await accept().catch(winnerOf));
    const span = ports.tracer.start({
      name: 'await verdict',
      kind: 'internal',
      parent: context.trace,
      attributes: { 'meshmart.order.id': orderId },
    });
    try {
      if (mine) saga.wake(orderId);
      return answered(await answer(orderId));
    } finally {
      span.end();
    }

    function answered(response: PlaceOrderResponse): PlaceOrderResponse {
      if (response.order !== undefined && undecided.includes(response.order.state))
        context.setTrailer('x-http-code', '202');
      return response;
    }

    /**
     * Puts the order on disk and gives its id.
     * @throws StoreConflict when another call with this key was quicker; MeshError RESOURCE_EXHAUSTED (OVERLOADED) while
     *   too many orders wait for their turn.
     */
    async function accept(): Promise<string> {
      // What has been begun comes first: an order more would only make all of them late.
      if (saga.isBehind()) throw overloaded();
      const user = userOf(context);
      const priced = await price(request, context);
      const placed: OrderEvent = {
        $case: 'placed',
        value: {
          orderId: ids('ord'),
          userId: user.id,
          ...priced,
          shippingAddress: request.shippingAddress,
          shippingOptionId: request.shippingOptionId,
          paymentToken: request.paymentToken,
          commandScope: command?.scope ?? '',
          commandKey: command?.key ?? '',
          traceparent: formatTraceparent(context.trace),
        },
      };
      const { batch, after } = batchOf(undefined, [placed], clock);
      await store.commit({
        ...batch,
        command: { ...requireCommand(), response: null, reference: after.order.id },
        trace: context.trace,
      });
      mine = true;
      return after.order.id;
    }

    /** The order of another call with this key that was quicker; it may have emptied the cart before this one read it. */
    async function winnerOf(error: unknown): Promise<string> {
      const winner = await store.findCommand(requireCommand(), context.trace);
      if (winner?.reference === undefined) throw error;
      return winner.reference;
    }

    function requireCommand() {
      if (command === undefined) throw new Error('PlaceOrder without a command');
      return command;
    }

    async function answer(orderId: string): Promise<PlaceOrderResponse> {
      for (;;) {
        const leftMs = answerAtMs - clock.monotonicMs();
        const change = saga.changed(orderId, Math.max(0, leftMs), context.signal);
        const recorded = await store.findCommand(requireCommand(), context.trace);
        if (recorded?.response != null) return PlaceOrderResponse.decode(recorded.response);
        if (leftMs <= 0 || context.signal.aborted) break;
        await change;
        // Whoever placed it takes it on, in this process or another, unless he died. Buyers who are in doubt repeat themselves
        // when the shop has trouble: each step taken by two, and at their pace, would be more of it.
        if (!mine) saga.wake(orderId);
        mine = true;
      }
      const order = await loadOwnOrder(store, orderId, userOf(context).id, context.trace);
      const { scope, key } = requireCommand();
      await store.commit({
        answer: { scope, key, response: PlaceOrderResponse.encode({ order }).finish() },
        trace: context.trace,
      });
      const recorded = await store.findCommand(requireCommand(), context.trace);
      return recorded?.response == null ? { order } : PlaceOrderResponse.decode(recorded.response);
    }
  };
}

function overloaded(): MeshError {
  return new MeshError({
    code: 'RESOURCE_EXHAUSTED',
    reason: 'OVERLOADED',
    message: 'more orders wait than can be worked on: nothing was ordered, try again in a moment',
  });
}

/** Reads cart, prices and shipping, and puts them together. */
function pricer(ports: ServicePorts) {
  const cart = ports.client(CartServiceDefinition);
  const catalog = ports.client(CatalogServiceDefinition);
  const shipping = ports.client(ShippingServiceDefinition);
  return async (request: PlaceOrderRequest, context: CallContext): Promise<PricedOrder> => {
    const { cart: filled } = await cart.getCart({}, context);
    const cartLines = filled?.lines ?? [];
    if (cartLines.length === 0) {
      throw new MeshError({
        code: 'FAILED_PRECONDITION',
        reason: 'CART_EMPTY',
        message: 'there is nothing in the cart: add a product first',
      });
    }
    const { products } = await catalog.batchGetProducts(
      { ids: cartLines.map((line) => line.productId) },
      context,
    );
    const lines = orderLines(cartLines, products);
    const quotes = await shipping.quoteShipping(
      { country: request.shippingAddress?.country ?? '', weightGrams: Math.min(1_000_000, weightOf(lines)) },
      context,
    );
    return priceOrder(lines, cartLines, quotes.options, request.shippingOptionId, request.expectedTotal);
  };
}
