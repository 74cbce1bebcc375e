import { expect } from 'chai';
import { eventually } from '../../mesh/testing/eventually.js';
import { readTrace, type TracedSpan } from '../jaeger-trace.js';

/** A call of a purchase: caller, callee and method. */
type Hop = readonly [caller: string, callee: string, method: string];

/** The calls that every purchase makes. */
export const purchaseHops: readonly Hop[] = [
  ['gateway', 'order', 'meshmart.order.v1.OrderService/PlaceOrder'],
  ['order', 'cart', 'meshmart.cart.v1.CartService/GetCart'],
  ['order', 'catalog', 'meshmart.catalog.v1.CatalogService/BatchGetProducts'],
  ['order', 'shipping', 'meshmart.shipping.v1.ShippingService/QuoteShipping'],
  ['order', 'inventory', 'meshmart.inventory.v1.InventoryService/Reserve'],
  ['order', 'payment', 'meshmart.payment.v1.PaymentService/Authorize'],
  ['order', 'payment', 'meshmart.payment.v1.PaymentService/Capture'],
  ['order', 'shipping', 'meshmart.shipping.v1.ShippingService/CreateShipment'],
  ['order', 'inventory', 'meshmart.inventory.v1.InventoryService/Commit'],
];
/** Services that hear of it by events. */
const consumers = ['cart', 'notification', 'recommendation'];

const isProxy = (span: TracedSpan) => span.tag('component') === 'proxy';
const sayOf = (span: TracedSpan | undefined) =>
  span === undefined
    ? 'nothing'
    : `${span.service} ${isProxy(span) ? 'proxy' : 'program'} ${String(span.kind)}`;

/**
 * Waits until Jaeger has the whole trace of a purchase through the edge, and checks that it is one: below the edge's span, and
 * for each call four spans in line, the caller's, its sidecar's, the callee's sidecar's, the callee's.
 */
export async function expectMeshTrace(jaegerUrl: string, traceId: string): Promise<void> {
  const spans = await eventually(
    async () => {
      const found = await readTrace(jaegerUrl, traceId);
      const orphans = found.filter(({ parentId, parent }) => parentId !== undefined && parent === undefined);
      expect(orphans.map(sayOf), 'whose parents are missing').to.deep.equal([]);
      const made = found.filter((span) => !isProxy(span) && span.kind === 'server').map(({ name }) => name);
      expect(made).to.include.members(purchaseHops.map(([, , method]) => method));
      const heard = found.filter(({ kind }) => kind === 'consumer').map(({ service }) => service);
      expect(new Set(heard)).to.include.keys(...consumers);
      return found;
    },
    { withinMs: 60_000, everyMs: 500, what: `all of trace ${traceId}` },
  );
  const roots = spans.filter(({ parentId }) => parentId === undefined);
  expect(roots.map(sayOf), 'roots').to.deep.equal(['shop-istio proxy server']);
  const served = spans.filter((span) => !isProxy(span) && span.kind === 'server');
  for (const [caller, callee, method] of purchaseHops) {
    const lines = served.filter(({ name, service }) => name === method && service === callee).map(lineOf);
    expect(lines, `${caller} calls ${method}`).to.deep.include(wholeLine(caller, callee));
  }
  // Whatever else was called: no hop without its sidecars, and none from one service in the name of another.
  for (const span of served) {
    const caller = span.tag('meshmart.caller');
    if (typeof caller === 'string')
      expect(lineOf(span), `${caller} calls ${span.name}`).to.deep.equal(wholeLine(caller, span.service));
  }
  const [front] = served.filter(({ name }) => name === 'POST /v1/orders');
  expect(lineOf(front as TracedSpan).slice(0, 3), 'the way in').to.deep.equal([
    'gateway program server',
    'gateway proxy server',
    'shop-istio proxy client',
  ]);
}

/** A span and the three above it. */
function lineOf(span: TracedSpan): string[] {
  return [span, span.parent, span.parent?.parent, span.parent?.parent?.parent].map(sayOf);
}

function wholeLine(caller: string, callee: string): string[] {
  return [
    `${callee} program server`,
    `${callee} proxy server`,
    `${caller} proxy client`,
    `${caller} program client`,
  ];
}
