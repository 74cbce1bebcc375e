/** A purchase's parts over REST, as a client outside would do them. Nothing here knows the shop's code. */
export interface Buyer {
  readonly email: string;
  readonly token: string;
  call(
    method: string,
    path: string,
    body?: unknown,
    headers?: Readonly<Record<string, string>>,
  ): Promise<Answer>;
}

/** An HTTP answer with its JSON body. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: a client outside sees whatever JSON comes.
  readonly body: any;
  readonly text: string;
}

/** The card that always works. */
export const workingCard = {
  cardNumber: '4242424242424242',
  expiryMonth: 12,
  expiryYear: 2034,
  cvc: '123',
  holder: 'Ada Lovelace',
};

export const address = {
  name: 'Ada Lovelace',
  line1: 'Unter den Linden 1',
  line2: '',
  city: 'Berlin',
  postalCode: '10117',
  country: 'DE',
};

/** One request; JSON in, JSON out. @throws TypeError of fetch when the shop can't be reached. */
export async function request(
  shopUrl: string,
  method: string,
  path: string,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const response = await fetch(`${shopUrl}${path}`, {
    method,
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    signal: AbortSignal.timeout(10_000),
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: text.startsWith('{') ? JSON.parse(text) : undefined,
    text,
  };
}

let buyers = 0;

/** Registers a new account and logs in. */
export async function newBuyer(shopUrl: string): Promise<Buyer> {
  buyers += 1;
  const email = `buyer-${process.pid}-${buyers}@example.com`;
  const password = 'correct horse battery';
  await expectStatus(request(shopUrl, 'POST', '/v1/users', { email, password, name: 'Ada' }), 201);
  const session = await expectStatus(request(shopUrl, 'POST', '/v1/sessions', { email, password }), 201);
  const token: string = session.body.token;
  return {
    email,
    token,
    call: (method, path, body, headers = {}) =>
      request(shopUrl, method, path, body, { authorization: `Bearer ${token}`, ...headers }),
  };
}

/** Fails with the whole answer unless it has this status. */
export async function expectStatus(answer: Promise<Answer>, status: number): Promise<Answer> {
  const got = await answer;
  if (got.status !== status) throw new Error(`expected ${status}, got ${got.status}: ${got.text}`);
  return got;
}

/** Fails unless an order was taken: with its outcome, or, on a machine that is busy for two seconds, without it yet. */
export async function expectTaken(answer: Promise<Answer>): Promise<Answer> {
  const got = await answer;
  return expectStatus(answer, got.status === 202 ? 202 : 201);
}

/** Puts a product into the cart and makes a payment token; gives the body of the order to place. */
export async function fillCart(buyer: Buyer, productId: string, quantity = 1, card: object = workingCard) {
  await expectStatus(buyer.call('POST', '/v1/cart/items', { productId, quantity }), 200);
  const payment = await expectStatus(buyer.call('POST', '/v1/payment-methods', card), 201);
  return {
    paymentToken: payment.body.paymentToken as string,
    shippingAddress: address,
    shippingOptionId: 'standard',
  };
}
