import { buy, call, eventually, json, test } from './shop.mjs';

/** Services that a purchase goes through, before anybody hears of it by an event. */
const path = ['gateway', 'order', 'cart', 'catalog', 'inventory', 'payment', 'shipping'];
const { JAEGER_URL: jaeger } = process.env;
let id;

await test('an order is placed over gRPC, paid and shipped', async () => {
  const { order, token } = await eventually('a purchase', () => buy(), 60_000);
  ({ id } = order);
  const last = await eventually('the order is shipped', async () => {
    const answer = await call('GetOrder', { id }, { token });
    if (answer.order.state !== 'ORDER_STATE_SHIPPED') throw new Error(answer.order.state);
    return answer.order;
  });
  return `${id} is ${last.state}`;
});

// Not set where Jaeger is somebody else's, or there is none: what it may be asked, and by whom, is not ours to say.
if (jaeger) {
  await test("the order's trace in Jaeger has every service of a purchase in it", async () => {
    const tags = encodeURIComponent(JSON.stringify({ 'meshmart.order.id': id }));
    const whole = async () => {
      const { data } = await json(`${jaeger}/api/traces?service=order&limit=5&tags=${tags}`);
      const seen = data.flatMap(({ processes }) =>
        Object.values(processes).map(({ serviceName }) => serviceName),
      );
      const missing = path.filter((service) => !seen.includes(service));
      if (missing.length > 0) throw new Error(`missing: ${missing.join(', ')}`);
      return true;
    };
    await eventually('the whole trace', whole, 60_000);
  });
}
