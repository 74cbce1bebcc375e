import { MeshError } from '../../mesh/contract/error.js';
import { fromCents } from '../../mesh/contract/money.js';
import type { CallContext } from '../../mesh/rpc/context.js';
import type { BoundContract } from '../../mesh/runtime/service.js';
import { neighbour } from '../../mesh/testing/lone-service.js';
import { Cart, CartServiceDefinition } from '../../proto/gen/meshmart/cart/v1/cart.js';
import { CatalogServiceDefinition, Product } from '../../proto/gen/meshmart/catalog/v1/catalog.js';
import {
  CommitResponse,
  InventoryServiceDefinition,
  ReleaseResponse,
  ReserveResponse,
} from '../../proto/gen/meshmart/inventory/v1/inventory.js';
import {
  AuthorizeResponse,
  CaptureResponse,
  PaymentServiceDefinition,
  PaymentState,
  VoidResponse,
} from '../../proto/gen/meshmart/payment/v1/payment.js';
import {
  CreateShipmentResponse,
  QuoteShippingResponse,
  ShippingServiceDefinition,
} from '../../proto/gen/meshmart/shipping/v1/shipping.js';

/** A request that the saga sends. */
export type ScriptedRequest = 'reserve' | 'authorize' | 'commit' | 'capture' | 'ship' | 'void' | 'release';

/**
 * How one try of a request ends.
 * - `lost before`: it never arrives. `lost after`: it takes effect and its answer is lost.
 * - `declined`, `voided`, `pending`: answers of authorize. An error: the participant says so.
 * - a promise: it waits for that, then is done.
 */
export type Fate =
  | 'done'
  | 'lost before'
  | 'lost after'
  | 'declined'
  | 'pending'
  | MeshError
  | Promise<unknown>;

/** The rest of the shop, as far as the order service needs it; each participant does a command once per key. */
export interface ScriptedShop {
  readonly neighbours: readonly BoundContract[];
  /** Fates of the next tries of each request, in order; after them everything is done. */
  readonly script: Partial<Record<ScriptedRequest, Fate[]>>;
  /** Requests that arrived, in order, with their keys: `reserve ord_1:reserve`. */
  readonly arrived: string[];
  /** Effects, each once: `ord_1 reserve`. */
  readonly effects: string[];
  /** What is in the cart: quantities by product. Products are `prd_a` to 10.00 EUR, `prd_b` to 2.50 EUR. */
  cart: Record<string, number>;
  /** Today's prices, in cents. */
  readonly prices: Record<string, number>;
  /** Waited for by each GetCart. */
  beforeCart: () => Promise<unknown>;
}

const eur = (cents: number) => fromCents('EUR', BigInt(cents));
const pricesInCart: Readonly<Record<string, number>> = { prd_a: 1_000, prd_b: 250 };

export function scriptedShop(): ScriptedShop {
  const answers = new Map<string, unknown>();
  const shop: ScriptedShop = {
    neighbours: [],
    script: {},
    arrived: [],
    effects: [],
    cart: { prd_a: 2, prd_b: 1 },
    prices: { ...pricesInCart },
    beforeCart: async () => undefined,
  };

  /** Lets a request meet its fate; the same key gets the same answer, and takes effect once. */
  const meet = async <T>(
    request: ScriptedRequest,
    orderId: string,
    context: CallContext,
    response: T,
  ): Promise<T> => {
    const key = context.metadata['idempotency-key'] ?? 'no key';
    shop.arrived.push(`${request} ${key}`);
    const fate = shop.script[request]?.shift() ?? 'done';
    if (fate === 'lost before') throw lost();
    if (MeshError.is(fate)) throw fate;
    if (fate instanceof Promise) await fate;
    if (fate === 'pending') {
      return AuthorizeResponse.fromPartial({ payment: { state: PaymentState.PAYMENT_STATE_PENDING } }) as T;
    }
    if (!answers.has(key)) {
      const declined = AuthorizeResponse.fromPartial({
        payment: { id: 'pay_1', state: PaymentState.PAYMENT_STATE_DECLINED, declineReason: 'no money' },
      }) as T;
      answers.set(key, fate === 'declined' ? declined : response);
      if (fate !== 'declined') shop.effects.push(`${orderId} ${request}`);
    }
    if (fate === 'lost after') throw lost();
    return answers.get(key) as T;
  };

  const neighbours = [
    neighbour(CartServiceDefinition, {
      getCart: async () => {
        await shop.beforeCart();
        const lines = Object.entries(shop.cart).map(([productId, quantity]) => ({
          productId,
          quantity,
          unitPrice: eur(pricesInCart[productId] ?? 0),
          lineTotal: eur((pricesInCart[productId] ?? 0) * quantity),
        }));
        return { cart: Cart.fromPartial({ lines }) };
      },
    }),
    neighbour(CatalogServiceDefinition, {
      batchGetProducts: async ({ ids }) => ({
        products: ids.map((id) =>
          Product.fromPartial({ id, name: `The ${id}`, price: eur(shop.prices[id] ?? 0), weightGrams: 100 }),
        ),
      }),
    }),
    neighbour(ShippingServiceDefinition, {
      quoteShipping: async () =>
        QuoteShippingResponse.fromPartial({ options: [{ id: 'standard', cost: eur(490) }] }),
      createShipment: ({ orderId }, context) =>
        meet(
          'ship',
          orderId,
          context,
          CreateShipmentResponse.fromPartial({ shipment: { id: 'shp_1', trackingNumber: 'T1' } }),
        ),
    }),
    neighbour(InventoryServiceDefinition, {
      reserve: ({ orderId }, context) =>
        meet('reserve', orderId, context, ReserveResponse.fromPartial({ reservation: { id: 'res_1' } })),
      commit: ({ orderId }, context) => meet('commit', orderId, context, CommitResponse.fromPartial({})),
      release: ({ orderId }, context) => meet('release', orderId, context, ReleaseResponse.fromPartial({})),
    }),
    neighbour(PaymentServiceDefinition, {
      authorize: ({ orderId }, context) => {
        const payment = { id: 'pay_1', state: PaymentState.PAYMENT_STATE_AUTHORIZED };
        return meet('authorize', orderId, context, AuthorizeResponse.fromPartial({ payment }));
      },
      capture: ({ orderId }, context) => meet('capture', orderId, context, CaptureResponse.fromPartial({})),
      void: ({ orderId }, context) => meet('void', orderId, context, VoidResponse.fromPartial({})),
    }),
  ];
  return Object.assign(shop, { neighbours });
}

function lost(): MeshError {
  return new MeshError({ code: 'UNAVAILABLE', reason: 'UNAVAILABLE', message: 'the line is dead' });
}
