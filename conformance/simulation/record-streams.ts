import type { Row } from '../../mesh/store/store.js';
import { simulate } from './simulate.js';
import { loadShopCode } from './simulated-shop.js';

/** A stream as a release wrote it, and what it came to. */
export interface RecordedStream {
  readonly stream: string;
  readonly events: readonly { readonly type: string; readonly data: string; readonly recordedAtMs: number }[];
  /** The row of the projection, by column; bytes in base64. */
  readonly row: Readonly<Record<string, string | number>>;
}

/** Streams of each kind of end, as many as this. */
const ofEach = 3;

/**
 * Records streams of orders for the tests of later releases: run it for each release, and keep what it prints in
 * services/order/released-streams/.
 */
export async function recordStreams(seed: number): Promise<RecordedStream[]> {
  const recorded: RecordedStream[] = [];
  await simulate({
    code: await loadShopCode(),
    seed,
    orders: 120,
    faults: 120,
    beforeClose: async ({ disks }) => {
      const store = disks.get('order')?.store;
      if (store === undefined) throw new Error('order has no disk');
      const kinds = new Map<string, number>();
      for (const row of await store.query<Row & { id: string }>({
        sql: 'SELECT * FROM orders ORDER BY id',
      })) {
        const events = await store.readStream(`order-${row.id}`);
        // How an order went shows in how many events it took.
        const kind = String(events.length);
        const count = kinds.get(kind) ?? 0;
        if (count >= ofEach) continue;
        kinds.set(kind, count + 1);
        recorded.push({
          stream: `order-${row.id}`,
          events: events.map(({ type, data, recordedAtMs }) => ({
            type,
            data: Buffer.from(data).toString('base64'),
            recordedAtMs,
          })),
          row: Object.fromEntries(
            Object.entries(row).map(([column, value]) => [
              column,
              value instanceof Uint8Array
                ? Buffer.from(value).toString('base64')
                : (value as string | number),
            ]),
          ),
        });
      }
    },
  });
  return recorded;
}
