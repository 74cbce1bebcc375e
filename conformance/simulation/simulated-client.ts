import { createHash } from 'node:crypto';
import { MeshError } from '../../mesh/contract/error.js';
import { createClient } from '../../mesh/rpc/client.js';
import type { CallContext } from '../../mesh/rpc/context.js';
import type { Client, ServiceDefinition } from '../../mesh/rpc/definition.js';
import { createBackground } from '../../mesh/runtime/background.js';
import { signToken } from '../../mesh/security/token.js';
import { beginLife, type Life } from '../../mesh/sim/life.js';
import { CartServiceDefinition } from '../../proto/gen/meshmart/cart/v1/cart.js';
import { InventoryServiceDefinition } from '../../proto/gen/meshmart/inventory/v1/inventory.js';
import {
  type Order,
  OrderServiceDefinition,
  OrderState,
  PlaceOrderResponse,
} from '../../proto/gen/meshmart/order/v1/order.js';
import { PaymentServiceDefinition } from '../../proto/gen/meshmart/payment/v1/payment.js';
import type { Money } from '../../proto/gen/meshmart/type/v1/money.js';
import type { StockFigure } from '../invariants/evidence.js';
import { CallFailure, type OrderView, type ShopClient } from '../workload/shop-client.js';
import { epochMs, type SimulatedShop } from './simulated-shop.js';

/** The way into the simulated shop: where the gateway stands, which keeps nothing itself. */
export interface FrontDoor {
  readonly life: Life;
  client<D extends ServiceDefinition>(definition: D): Client<D>;
  /** Makes a call with the token of a user. */
  call<T>(token: string | undefined, work: (context: CallContext) => Promise<T>): Promise<T>;
  tokenOf(user: string): string;
}

/** Failures that leave open what happened. */
const unknown = new Set([
  'UNAVAILABLE',
  'DEADLINE_EXCEEDED',
  'CANCELLED',
  'ABORTED',
  'RESOURCE_EXHAUSTED',
  'INTERNAL',
]);

const callWithinMs = 4_000;
const dayMs = 86_400_000;

/** Opens the way into the shop. */
export function frontDoor(shop: SimulatedShop): FrontDoor {
  const life = beginLife({
    name: 'gateway-1',
    service: 'gateway',
    schedule: shop.schedule,
    random: shop.random.fork('gateway'),
    clockAtStartMs: () => epochMs,
  });
  const { policies, owners } = shop.code.shop;
  const background = createBackground({
    ambient: life.ambient,
    service: 'gateway',
    stopping: new AbortController().signal,
  });
  return {
    life,
    client: (definition) =>
      createClient(definition, {
        wire: shop.network.wire(life, owners.get(definition.fullName) ?? ''),
        policies,
        ambient: life.ambient,
        caller: 'gateway',
      }),
    call: (userToken, work) =>
      background({ deadlineMs: callWithinMs }, (context) => work({ ...context, userToken })),
    tokenOf: (user) =>
      signToken(
        { subject: user, kind: 'user', scopes: ['cart', 'orders', 'payment', 'profile'], jti: user },
        shop.signingKey,
        epochMs,
        dayMs,
      ),
  };
}

/** A buyer's way to buy, and the tokens of cards. */
export interface SimulatedClient extends ShopClient {
  /** Puts a card into the vault. */
  tokenize(cardNumber: string): Promise<string>;
}

/** Calls as one user. */
export function simulatedClient(door: FrontDoor, user: string): SimulatedClient {
  const cart = door.client(CartServiceDefinition);
  const order = door.client(OrderServiceDefinition);
  const payment = door.client(PaymentServiceDefinition);
  const token = door.tokenOf(user);
  const call = async <T>(work: (context: CallContext) => Promise<T>): Promise<T> => {
    try {
      return await door.call(token, work);
    } catch (error) {
      const { code, reason, message } = MeshError.from(error);
      throw new CallFailure(unknown.has(code) ? 'info' : 'fail', reason, message);
    }
  };
  return {
    cart: () =>
      call(async (context) =>
        ((await cart.getCart({}, context)).cart?.lines ?? []).map(({ productId, quantity }) => ({
          productId,
          quantity,
        })),
      ),
    addItem: (productId, quantity, key) =>
      call(async (context) => {
        await cart.addItem({ productId, quantity }, context, { idempotencyKey: key });
      }),
    placeOrder: (key, paymentToken) =>
      call(async (context) => {
        const answer = await order.placeOrder(
          { paymentToken, shippingAddress: address, shippingOptionId: 'standard' },
          context,
          { idempotencyKey: key },
        );
        if (answer.order === undefined) throw new Error('PlaceOrder answered without an order');
        const bytes = PlaceOrderResponse.encode(answer).finish();
        return { order: viewOf(answer.order), bytes: createHash('sha256').update(bytes).digest('hex') };
      }),
    order: (id) => call(async (context) => viewOf((await order.getOrder({ id }, context)).order)),
    orders: () =>
      call(async (context) => {
        const views: OrderView[] = [];
        let pageToken = '';
        do {
          const page = await order.listOrders({ pageSize: 100, pageToken }, context);
          views.push(...page.orders.map(viewOf));
          pageToken = page.nextPageToken;
        } while (pageToken !== '');
        return views;
      }),
    cancel: (id) =>
      call(async (context) =>
        viewOf((await order.cancelOrder({ id, reason: 'changed my mind' }, context)).order),
      ),
    tokenize: (cardNumber) =>
      call(
        async (context) =>
          (
            await payment.tokenizeCard(
              {
                cardNumber,
                expiryMonth: 12,
                expiryYear: 2034,
                cvc: cardNumber.startsWith('37') ? '1234' : '123',
                holder: 'Ada Lovelace',
              },
              context,
            )
          ).paymentToken,
      ),
  };
}

/** What inventory has of each product. */
export async function stockFigures(door: FrontDoor, products: readonly string[]): Promise<StockFigure[]> {
  const inventory = door.client(InventoryServiceDefinition);
  const figures: StockFigure[] = [];
  for (let at = 0; at < products.length; at += stockPage) {
    const productIds = products.slice(at, at + stockPage);
    const { stocks } = await door.call(undefined, (context) =>
      inventory.batchGetStock({ productIds }, context),
    );
    for (const { productId, available, reserved, committed } of stocks)
      figures.push({
        productId,
        available: Number(available),
        reserved: Number(reserved),
        committed: Number(committed),
      });
  }
  return figures;
}

const stockPage = 20;

const address = {
  name: 'Ada Lovelace',
  line1: 'Unter den Linden 1',
  line2: '',
  city: 'Berlin',
  postalCode: '10117',
  country: 'DE',
};

function viewOf(order: Order | undefined): OrderView {
  if (order === undefined) throw new Error('an answer without its order');
  const { id, state, version, lines, total } = order;
  return {
    id,
    state: OrderState[state].replace('ORDER_STATE_', ''),
    version: Number(version),
    lines: lines.map(({ productId, quantity }) => ({ productId, quantity })),
    total: moneyText(total),
  };
}

function moneyText(money: Money | undefined): string {
  return `${money?.currencyCode} ${money?.units}.${String(money?.nanos).padStart(9, '0')}`;
}
