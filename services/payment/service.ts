import type { CallContext } from '../../mesh/rpc/context.js';
import { userOf } from '../../mesh/rpc/context.js';
import { implement, type Service } from '../../mesh/runtime/service.js';
import { answerOnce } from '../../mesh/store/idempotent.js';
import type { Row } from '../../mesh/store/store.js';
import {
  AuthorizeResponse,
  CaptureResponse,
  PaymentServiceDefinition,
  RefundResponse,
  VoidResponse,
} from '../../proto/gen/meshmart/payment/v1/payment.js';
import { httpCardProcessor } from './card-processor.js';
import { type KeptPayment, loadPayment, paymentNotFound, shownPayment } from './payment-store.js';
import { createPayments } from './payments.js';
import { schema } from './schema.js';
import { tokenizeCard } from './tokenize.js';
import { createVault } from './vault.js';

/** A payment whose outcome has not been known for this long is looked into. */
const unknownMs = 10_000;

/** Cards and money. */
export const service: Service = {
  schema,
  build: (ports) => {
    const { store, clock } = ports;
    const vault = createVault(ports.secret('vault-key'), ports.random);
    const payments = createPayments(ports, vault, httpCardProcessor(ports));

    /** The stored answer of a command, or the work and its answer, which is then stored. */
    const once = (codec: typeof AuthorizeResponse, context: CallContext, work: () => Promise<KeptPayment>) =>
      answerOnce({
        store,
        context,
        codec,
        // The effect is in the payment's own row, which knows what was done; a repeated command finds it there.
        work: async () => ({
          response: { payment: shownPayment(await work()) },
          batch: { trace: context.trace },
        }),
      });
    return {
      contracts: [
        implement(PaymentServiceDefinition, {
          tokenizeCard: tokenizeCard(ports, vault),
          authorize: (request, context) =>
            once(AuthorizeResponse, context, () => payments.authorize(request, context)),
          capture: (request, context) =>
            once(CaptureResponse, context, () => payments.change(request.orderId, 'capture', context)),
          void: (request, context) =>
            once(VoidResponse, context, () => payments.change(request.orderId, 'void', context)),
          refund: (request, context) =>
            once(RefundResponse, context, () => payments.change(request.orderId, 'refund', context)),
          getPayment: async (request, context) => {
            const payment = await loadPayment(store, request.orderId, context.trace);
            if (payment === undefined || payment.userId !== userOf(context).id)
              throw paymentNotFound(request.orderId);
            return { payment: shownPayment(payment) };
          },
        }),
      ],
      workers: [
        {
          name: 'find out what became of payments',
          everyMs: 5_000,
          run: async (context) => {
            const nowMs = clock.nowMs();
            const rows = await store.query<Row & { order_id: string }>({
              sql: `SELECT order_id FROM payments WHERE ((state = 'pending' OR asked_for <> '') AND updated_at_ms < ?)
                OR (check_at_ms > 0 AND check_at_ms <= ?) ORDER BY updated_at_ms LIMIT 100`,
              values: [nowMs - unknownMs, nowMs],
            });
            for (const { order_id: orderId } of rows) await payments.clear(orderId, context);
          },
        },
      ],
    };
  },
};
