import { call, test } from './shop.mjs';

/** Methods that nobody outside the shop may call, each asked of the service itself. */
const forbidden = [
  [process.env.PAYMENT, 'meshmart.payment.v1.PaymentService/Capture'],
  [process.env.INVENTORY, 'meshmart.inventory.v1.InventoryService/Reserve'],
  [process.env.ORDER, 'meshmart.order.v1.OrderService/GetVerdict'],
];

// Where no mesh proves who calls, the caller says so; where one does, it takes no notice of that.
const headers = ['x-mesh-caller:shop-tests'];

for (const [address, method] of forbidden) {
  await test(`${method} is denied to who does not declare it`, async () => {
    try {
      await call(method, {}, { address, headers });
    } catch (error) {
      if (/PERMISSION_DENIED|RBAC: access denied|not declared/i.test(error.message))
        return 'PERMISSION_DENIED';
      throw error;
    }
    throw new Error('it was answered');
  });
}
