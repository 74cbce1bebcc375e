import { invalidRequest } from '../../mesh/contract/error.js';
import { equal } from '../../mesh/contract/money.js';
import { timestampOf } from '../../mesh/contract/timestamp.js';
import type { CallContext } from '../../mesh/rpc/context.js';
import type { Handlers } from '../../mesh/rpc/definition.js';
import type { ServicePorts } from '../../mesh/runtime/service.js';
import { decideAgain } from '../../mesh/store/decide-again.js';
import { answerOnce } from '../../mesh/store/idempotent.js';
import type { Batch } from '../../mesh/store/store.js';
import {
  type CatalogServiceDefinition,
  type Product,
  UpdatePriceResponse,
} from '../../proto/gen/meshmart/catalog/v1/catalog.js';
import { PriceChanged } from '../../proto/gen/meshmart/catalog/v1/catalog_events.js';
import { type Money, Money as MoneyCodec } from '../../proto/gen/meshmart/type/v1/money.js';
import { priceViolations } from './price.js';
import { productOf } from './product-row.js';
import { findProduct } from './products.js';

type Pricing = Pick<Handlers<typeof CatalogServiceDefinition>, 'updatePrice'>;
type Ports = Pick<ServicePorts, 'store' | 'clock'>;

/** Changing prices. */
export function pricingHandlers(ports: Ports): Pricing {
  return {
    updatePrice: async ({ id, price = MoneyCodec.fromPartial({}) }, context) => {
      const violations = priceViolations(price);
      if (violations.length > 0) throw invalidRequest(violations);
      return decideAgain(`the price of '${id}'`, () =>
        answerOnce({
          store: ports.store,
          context,
          codec: UpdatePriceResponse,
          work: () => changePrice(ports, id, price, context),
        }),
      );
    },
  };
}

async function changePrice(ports: Ports, id: string, price: Money, { trace }: CallContext) {
  const before = productOf(await findProduct(ports.store, id, trace));
  const oldPrice = before.price;
  if (oldPrice !== undefined && equal(oldPrice, price))
    return { batch: { trace }, response: { product: before } };
  const product: Product = { ...before, price, version: before.version + 1n };
  const batch: Batch = {
    statements: [
      {
        sql: `UPDATE products SET currency_code = ?, price_units = ?, price_nanos = ?, version = ?
          WHERE id = ? AND version = ?`,
        values: [price.currencyCode, price.units, price.nanos, product.version, id, before.version],
        changes: 1,
        guard: 'version',
      },
    ],
    outbox: [
      {
        type: 'meshmart.catalog.v1.PriceChanged',
        key: id,
        data: PriceChanged.encode({
          productId: id,
          oldPrice,
          newPrice: price,
          occurredAt: timestampOf(ports.clock.nowMs()),
        }).finish(),
      },
    ],
    trace,
  };
  return { batch, response: { product } };
}
