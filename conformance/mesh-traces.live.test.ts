import { expect } from 'chai';
import { fillCart, newBuyer, request } from './buyer.js';
import { type MeshProcess, startMesh } from './mesh-process.js';
import { expectWholePurchase } from './purchase-trace.js';

for (const exporter of ['otlp', 'jaeger'] as const) {
  describe(`a purchase's trace in Jaeger, sent by ${exporter}`, function () {
    this.timeout(90_000);
    let mesh: MeshProcess;

    before(async () => {
      mesh = await startMesh({ environment: { TRACES_EXPORTER: exporter } });
    });
    after(async () => {
      await mesh?.end();
    });

    it('has every service on its path, its database and event hops, each below the right parent', async () => {
      const buyer = await newBuyer(mesh.httpUrl);
      const { body } = await request(mesh.httpUrl, 'GET', '/v1/products?pageSize=1');
      const order = await fillCart(buyer, body.products[0].id);
      const placed = await buyer.call('POST', '/v1/orders', order, { 'idempotency-key': 'traced' });
      // The first purchase of a busy machine may be decided after it is accepted: it is one trace all the same.
      expect(placed.status, placed.text).to.be.oneOf([201, 202]);
      const traceId = placed.headers.get('x-trace-id') ?? '';
      expect(traceId).to.match(/^[0-9a-f]{32}$/);
      const { addresses } = await mesh.status();
      await expectWholePurchase(addresses['jaeger'] ?? '', traceId);
    });
  });
}
