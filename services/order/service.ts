import { numberSettings } from '../../mesh/runtime/number-setting.js';
import { implement, type Service } from '../../mesh/runtime/service.js';
import type { Row } from '../../mesh/store/store.js';
import { OrderServiceDefinition } from '../../proto/gen/meshmart/order/v1/order.js';
import { orderHandlers } from './handlers.js';
import { createParticipants } from './participants.js';
import { ordersProjection } from './projection.js';
import { createSaga } from './saga.js';
import { schema } from './schema.js';

/** An order that nobody has moved for this long is taken up again. */
const idleMs = 5_000;

/** The checkout saga. */
export const service: Service = {
  schema,
  projections: [ordersProjection],
  build: (ports) => {
    const { store, clock } = ports;
    const saga = createSaga({
      ports,
      participants: createParticipants(ports),
      ordersAtOnce: numberSettings('order', ports.setting)('ordersAtOnce', {
        least: 1,
        most: 10_000,
        whole: true,
      }),
    });
    const wakeUnfinished = async (untouchedSinceMs: number) => {
      const rows = await store.query<Row & { id: string }>({
        sql: 'SELECT id FROM orders WHERE final = 0 AND updated_at_ms <= ? ORDER BY updated_at_ms LIMIT 1000',
        values: [untouchedSinceMs],
      });
      for (const { id } of rows) saga.wake(id);
      return rows.length;
    };
    return {
      contracts: [implement(OrderServiceDefinition, orderHandlers(ports, saga))],
      workers: [
        {
          // Behind the saga's own retries: whatever it may have missed goes on within seconds.
          name: 'take up orders that nobody moves',
          everyMs: 10_000,
          run: async () => {
            const count = await wakeUnfinished(clock.nowMs() - idleMs);
            if (count > 0) ports.log.info({ orders: count }, 'orders were taken up again');
          },
        },
      ],
      start: async () => {
        // After all services are there: the runtime begins workers last, so this only notes what waits.
        const count = await wakeLater();
        if (count > 0) ports.log.info({ orders: count }, 'orders are not finished from before: they go on');
      },
      stop: () => saga.stop(),
    };

    async function wakeLater(): Promise<number> {
      const [row] = await store.query<Row & { waiting: number }>({
        sql: 'SELECT COUNT(*) AS waiting FROM orders WHERE final = 0',
      });
      const waiting = Number(row?.waiting ?? 0);
      if (waiting > 0)
        ports.timers.after(100, () => void wakeUnfinished(clock.nowMs()).catch(() => undefined));
      return waiting;
    }
  },
};
