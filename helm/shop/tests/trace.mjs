import { buy, eventually, json, test } from './shop.mjs';

const wanted = ['gateway', 'order', 'cart', 'catalog', 'inventory', 'payment', 'shipping'];

await test("an order's trace in Jaeger has every service of a purchase in it", async () => {
  const { order } = await eventually('a purchase', () => buy(), 60_000);
  const tags = encodeURIComponent(JSON.stringify({ 'meshmart.order.id': order.id }));
  let missing = wanted;
  await eventually(
    'the whole trace',
    async () => {
      const { data } = await json(`${process.env.JAEGER_URL}/api/traces?service=order&limit=5&tags=${tags}`);
      const seen = new Set(
        data.flatMap(({ processes }) => Object.values(processes).map(({ serviceName }) => serviceName)),
      );
      missing = wanted.filter((service) => !seen.has(service));
      if (missing.length > 0) throw new Error(`missing: ${missing.join(', ')}`);
      return true;
    },
    60_000,
  );
  return order.id;
});
