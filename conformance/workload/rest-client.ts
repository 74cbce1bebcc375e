import { createHash } from 'node:crypto';
import type { OutgoingHttp } from '../../mesh/runtime/outgoing-http.js';
import { CallFailure, type OrderView, type ShopClient } from './shop-client.js';

/** How the shop is reached over REST. */
export interface RestAccess {
  readonly shopUrl: string;
  /** How long an answer is waited for, in milliseconds. After it nobody knows. */
  readonly answerWithinMs: number;
  readonly http: OutgoingHttp;
}

/** A buyer's way to the shop over REST. */
export interface RestClientOptions extends RestAccess {
  /** The buyer's token. */
  readonly token: string;
}

/** What a buyer does over REST, with the tokens of cards. */
export interface RestClient extends ShopClient {
  /** Puts a card into the vault. */
  tokenize(cardNumber: string): Promise<string>;
}

/** Refusals that leave open what happened, or hold for the moment only: asked again with the same key. */
const unknownStatus = (status: number) => status >= 500 || status === 429 || status === 408 || status === 499;
/** Another change of the same thing was quicker (ABORTED). */
const unknownReasons = new Set(['CONFLICT']);

const pageSize = 100;

/** Calls as one buyer. Every failure is a {@link CallFailure}. */
export function restClient(options: RestClientOptions): RestClient {
  const call = async (method: string, path: string, body?: unknown, key?: string) => {
    let status: number;
    let text: string;
    try {
      const answer = await options.http({
        method,
        url: new URL(path, options.shopUrl),
        headers: {
          authorization: `Bearer ${options.token}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...(key === undefined ? {} : { 'idempotency-key': key }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(options.answerWithinMs),
      });
      status = answer.status;
      text = answer.body;
    } catch (error) {
      // No answer, or only the beginning of one.
      const { name, code } = error as { name: string; code?: unknown };
      const reason = typeof code === 'string' ? code : name;
      throw new CallFailure('info', reason, `no answer: ${String(error)}`);
    }
    if (status >= 200 && status < 300) return text;
    const reason = reasonIn(text) ?? `HTTP_${status}`;
    const known = !unknownStatus(status) && !unknownReasons.has(reason);
    throw new CallFailure(
      known ? 'fail' : 'info',
      reason,
      `${method} ${path}: ${status} ${text.slice(0, 300)}`,
    );
  };
  return {
    cart: async () => linesOf((parsed(await call('GET', '/v1/cart'))['cart'] as Message)['lines']),
    addItem: async (productId, quantity, key) => {
      await call('POST', '/v1/cart/items', { productId, quantity }, key);
    },
    placeOrder: async (key, paymentToken) => {
      const text = await call(
        'POST',
        '/v1/orders',
        { paymentToken, shippingAddress: address, shippingOptionId: 'standard' },
        key,
      );
      return {
        order: viewOf(parsed(text)['order'] as Message),
        bytes: createHash('sha256').update(text).digest('hex'),
      };
    },
    order: async (id) => viewOf(parsed(await call('GET', `/v1/orders/${id}`))['order'] as Message),
    orders: async () => {
      const views: OrderView[] = [];
      let pageToken = '';
      do {
        const page = parsed(
          await call('GET', `/v1/orders?pageSize=${pageSize}&pageToken=${encodeURIComponent(pageToken)}`),
        );
        views.push(...((page['orders'] ?? []) as Message[]).map(viewOf));
        pageToken = String(page['nextPageToken'] ?? '');
      } while (pageToken !== '');
      return views;
    },
    cancel: async (id) =>
      viewOf(
        parsed(await call('POST', `/v1/orders/${id}:cancel`, { reason: 'changed my mind' }))[
          'order'
        ] as Message,
      ),
    tokenize: async (cardNumber) => {
      const cvc = cardNumber.startsWith('37') ? '1234' : '123';
      const card = { cardNumber, expiryMonth: 12, expiryYear: 2034, cvc, holder: 'Ada Lovelace' };
      return String(parsed(await call('POST', '/v1/payment-methods', card))['paymentToken']);
    },
  };
}

/** JSON as it came. */
type Message = Readonly<Record<string, unknown>>;

const address = {
  name: 'Ada Lovelace',
  line1: 'Unter den Linden 1',
  city: 'Berlin',
  postalCode: '10117',
  country: 'DE',
};

function parsed(text: string): Message {
  try {
    return JSON.parse(text) as Message;
  } catch {
    throw new CallFailure('info', 'BROKEN_ANSWER', `no JSON: ${text.slice(0, 300)}`);
  }
}

function reasonIn(text: string): string | undefined {
  try {
    const { reason } = JSON.parse(text) as Message;
    return typeof reason === 'string' ? reason : undefined;
  } catch {
    return undefined;
  }
}

function linesOf(lines: unknown) {
  return ((lines ?? []) as Message[]).map(({ productId, quantity }) => ({
    productId: String(productId),
    quantity: Number(quantity),
  }));
}

function viewOf(order: Message): OrderView {
  const { currencyCode, units, nanos } = order['total'] as Message;
  return {
    id: String(order['id']),
    state: String(order['state']).replace('ORDER_STATE_', ''),
    version: Number(order['version']),
    lines: linesOf(order['lines']),
    total: `${currencyCode} ${units ?? 0}.${String(nanos ?? 0).padStart(9, '0')}`,
  };
}
