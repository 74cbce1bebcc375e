import { expect } from 'chai';
import { eventually } from '../mesh/testing/eventually.js';
import { readTrace, type TracedSpan } from './jaeger-trace.js';

/** Services on a purchase's path, and where each keeps what it writes or reads for it. */
const path: Readonly<Record<string, string | undefined>> = {
  gateway: undefined,
  order: 'sqlite',
  cart: 'redis',
  catalog: 'sqlite',
  shipping: 'sqlite',
  inventory: 'sqlite',
  payment: 'sqlite',
  notification: 'sqlite',
  recommendation: 'sqlite',
};
const consumers = ['cart', 'notification', 'recommendation'];

/**
 * Waits until Jaeger has the whole trace of a purchase, and checks it: one root, every service on the path, its databases and
 * event hops, and each span below the one that caused it.
 */
export async function expectWholePurchase(jaegerUrl: string, traceId: string): Promise<void> {
  const spans = await eventually(
    async () => {
      const found = await readTrace(jaegerUrl, traceId);
      const missing = found.filter(({ parentId, parent }) => parentId !== undefined && parent === undefined);
      expect(
        missing.map(({ name }) => name),
        'whose parents are missing',
      ).to.deep.equal([]);
      expect(found.map(({ name }) => name)).to.include.members([
        'meshmart.payment.v1.PaymentService/Authorize',
        'meshmart.payment.v1.PaymentService/Capture',
        'meshmart.shipping.v1.ShippingService/CreateShipment',
        'POST card processor',
      ]);
      const heard = found.filter(({ kind }) => kind === 'consumer').map(({ service }) => service);
      expect(new Set(heard)).to.include.keys(...consumers);
      // Each process sends its spans by itself.
      for (const [service, system] of Object.entries(path)) {
        const own = found.filter((span) => span.service === service);
        expect(own, service).to.not.deep.equal([]);
        if (system === undefined) continue;
        expect(
          own.map((span) => span.tag('db.system.name')),
          service,
        ).to.include(system);
      }
      return found;
    },
    { withinMs: 30_000, everyMs: 250, what: `all of trace ${traceId}` },
  );
  const roots = spans.filter(({ parentId }) => parentId === undefined);
  expect(roots.map(({ name, service }) => [name, service])).to.deep.equal([['POST /v1/orders', 'gateway']]);
  for (const span of spans) expectRightParent(span);
}

function expectRightParent(span: TracedSpan): void {
  const { parent, name, service, kind } = span;
  if (parent === undefined) return;
  const what = `${service} ${name} below ${parent.service} ${parent.name}`;
  if (kind === 'consumer') {
    // An event hangs below the write that made it, in another process.
    expect(parent.service, what).to.not.equal(service);
    expect(parent.kind, what).to.not.equal('consumer');
  } else if (kind === 'server') {
    expect(parent.kind, what).to.equal('client');
    expect(parent.name, what).to.equal(name);
    expect(parent.service, what).to.equal(span.tag('meshmart.caller'));
  } else {
    expect(parent.service, what).to.equal(service);
  }
}
