// What the tests of `helm test` share: calls by the shop's own command line, and waiting with a bound.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);
const { MESHMART_MAIN: main, SHOP_ADDRESS: shop } = process.env;

/** One call over gRPC. @throws Error with what the command said on standard error. */
export async function call(method, request = {}, { token, headers = [], address = shop } = {}) {
  const options = [
    ...(token ? ['--token', token] : []),
    ...headers.flatMap((header) => ['--header', header]),
  ];
  const args = [main, 'call', method, JSON.stringify(request), '--address', address, '--json', ...options];
  try {
    const { stdout } = await run(process.execPath, ['--max-old-space-size=64', ...args]);
    return JSON.parse(stdout);
  } catch (error) {
    throw new Error(`${method} at ${address}: ${(error.stderr || error.message).trim()}`);
  }
}

/** Buys one piece of the first product. @returns the order, as PlaceOrder answered. */
export async function buy() {
  const email = `helm-test-${Date.now()}-${process.pid}@example.com`;
  const password = 'correct horse battery';
  await call('Register', { email, password, name: 'Helm Test' });
  const { token } = await call('Authenticate', { email, password });
  const { products } = await call('ListProducts', { pageSize: 1 });
  await call('AddItem', { productId: products[0].id, quantity: 1 }, { token });
  const card = {
    cardNumber: '4242424242424242',
    expiryMonth: 12,
    expiryYear: 2034,
    cvc: '123',
    holder: 'Helm Test',
  };
  const { paymentToken } = await call('TokenizeCard', card, { token });
  const shippingAddress = {
    name: 'Helm Test',
    line1: 'Unter den Linden 1',
    city: 'Berlin',
    postalCode: '10117',
    country: 'DE',
  };
  const headers = [`idempotency-key:helm-test-${Date.now()}-${process.pid}`];
  const { order } = await call(
    'PlaceOrder',
    { paymentToken, shippingAddress, shippingOptionId: 'standard' },
    { token, headers },
  );
  return { order, token };
}

/** Waits until `look` gives something true. @throws Error that says what was waited for, and what was seen last. */
export async function eventually(what, look, withinMs = 30_000) {
  const endMs = Date.now() + withinMs;
  for (;;) {
    let seen;
    try {
      seen = await look();
      if (seen) return seen;
    } catch (error) {
      seen = error.message;
    }
    if (Date.now() > endMs) throw new Error(`${what}: not within ${withinMs} ms (${seen})`);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

/** Runs a test: one line, and an exit code. */
export async function test(title, body) {
  try {
    const said = await body();
    console.log(`ok ${title}${said ? `: ${said}` : ''}`);
  } catch (error) {
    console.log(`FAILED ${title}: ${error.message}`);
    process.exit(1);
  }
}

/** JSON from an HTTP server. */
export async function json(url) {
  const answer = await fetch(url, { signal: AbortSignal.timeout(5_000) });
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}`);
  return answer.json();
}
