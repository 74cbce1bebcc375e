import { buy, call, eventually, test } from './shop.mjs';

await test('an order is placed over gRPC, paid and shipped', async () => {
  const { order, token } = await eventually('a purchase', () => buy(), 60_000);
  const last = await eventually('the order is shipped', async () => {
    const answer = await call('GetOrder', { id: order.id }, { token });
    if (answer.order.state !== 'ORDER_STATE_SHIPPED') throw new Error(answer.order.state);
    return answer.order;
  });
  return `${order.id} is ${last.state}`;
});
