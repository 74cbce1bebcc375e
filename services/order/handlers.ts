import { invalidField } from '../../mesh/contract/error.js';
import { type CallContext, userOf } from '../../mesh/rpc/context.js';
import type { Handlers } from '../../mesh/rpc/definition.js';
import type { ServicePorts } from '../../mesh/runtime/service.js';
import { type RecordedEvent, type Row, StoreConflict } from '../../mesh/store/store.js';
import {
  Order,
  type OrderServiceDefinition,
  Verdict,
  type WatchOrderRequest,
  type WatchOrderResponse,
} from '../../proto/gen/meshmart/order/v1/order.js';
import { decideCancel } from './decide.js';
import { replay } from './evolve.js';
import { batchOf, loadOwnOrder, loadSaga, streamOf } from './order-store.js';
import { placeOrder } from './place-order.js';
import type { SagaRunner } from './saga.js';

const cancelAnswerWithinMs = 2_000;

/** The methods of the order service. */
export function orderHandlers(
  ports: ServicePorts,
  saga: SagaRunner,
): Handlers<typeof OrderServiceDefinition> {
  const { store, clock } = ports;
  return {
    placeOrder: placeOrder(ports, saga),

    getOrder: async (request, context) => ({
      order: await loadOwnOrder(store, request.id, userOf(context).id, context.trace),
    }),

    listOrders: async (request, context) => {
      const pageSize = request.pageSize === 0 ? 20 : request.pageSize;
      const after =
        request.pageToken === '' ? undefined : Buffer.from(request.pageToken, 'base64url').toString();
      if (after !== undefined && !/^ord_[0-9a-z]{26}$/.test(after))
        throw invalidField('pageToken', 'page_token', 'is not one that this method gave');
      // Ids sort by time, so the newest order has the last id.
      const rows = await store.query<Row & { id: string; snapshot: Uint8Array }>(
        {
          sql: 'SELECT id, snapshot FROM orders WHERE user_id = ? AND id < ? ORDER BY id DESC LIMIT ?',
          values: [userOf(context).id, after ?? 'ord_~', pageSize + 1],
        },
        context.trace,
      );
      const page = rows.slice(0, pageSize);
      const last = rows.length > pageSize ? page.at(-1) : undefined;
      return {
        orders: page.map((row) => Order.decode(row.snapshot)),
        nextPageToken: last === undefined ? '' : Buffer.from(last.id).toString('base64url'),
      };
    },

    cancelOrder: async (request, context) => {
      const { id: userId } = userOf(context);
      for (;;) {
        await loadOwnOrder(store, request.id, userId, context.trace);
        const before = await loadSaga(store, request.id, context.trace);
        if (before === undefined) throw new Error(`order ${request.id} has a projection and no events`);
        const events = decideCancel(before, request.reason);
        if (events.length === 0) break;
        try {
          await store.commit({ ...batchOf(before, events, clock).batch, trace: context.trace });
          break;
        } catch (error) {
          if (!(error instanceof StoreConflict)) throw error;
        }
      }
      saga.notify(request.id);
      saga.wake(request.id);
      return { order: await untilFinal(request.id, context) };
    },

    watchOrder: (request, context) => watch(request, context),

    getVerdict: async (request, context) => {
      const found = await loadSaga(store, request.orderId, context.trace);
      if (found === undefined) return { verdict: Verdict.VERDICT_UNKNOWN };
      if (found.confirmed) return { verdict: Verdict.VERDICT_CONFIRMED };
      return { verdict: found.final ? Verdict.VERDICT_ABANDONED : Verdict.VERDICT_PENDING };
    },
  };

  /** The order once it is final, or as it is after two seconds. */
  async function untilFinal(orderId: string, context: CallContext): Promise<Order> {
    const untilMs = clock.monotonicMs() + cancelAnswerWithinMs;
    for (;;) {
      const leftMs = untilMs - clock.monotonicMs();
      const change = saga.changed(orderId, Math.max(0, leftMs), context.signal);
      const found = await loadSaga(store, orderId, context.trace);
      if (found === undefined) throw new Error(`order ${orderId} has lost its events`);
      if (found.final || leftMs <= 0 || context.signal.aborted) return found.order;
      await change;
    }
  }

  /** What happened, then what happens; each look into the store reads only what is new. */
  async function* watch(
    request: WatchOrderRequest,
    context: CallContext,
  ): AsyncGenerator<WatchOrderResponse> {
    await loadOwnOrder(store, request.id, userOf(context).id, context.trace);
    const events: RecordedEvent[] = [];
    let seen = Number(request.afterVersion);
    while (!context.signal.aborted) {
      const change = saga.changed(request.id, Number.POSITIVE_INFINITY, context.signal);
      events.push(...(await store.readStream(streamOf(request.id), events.length)));
      for (const { version } of events.slice(seen)) {
        const then = replay(events.slice(0, version));
        const event = then?.order.history.at(-1);
        if (then !== undefined && event !== undefined) yield { order: then.order, event };
        seen = version;
      }
      if (replay(events)?.final === true) return;
      await change;
    }
  }
}
