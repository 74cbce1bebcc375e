import { join } from 'node:path';
import { DatabaseSync } from '@photostructure/sqlite';
import { temporaryFolder } from '../../mesh/testing/temporary-folder.js';
import { newPurchaser, type Purchaser, startMeasured } from './measure.js';
import type { Figure } from './report.js';
import { spreadOf } from './statistics.js';

const buyersAtOnce = 16;
const roundMs = 3_000;
const rawRoundMs = 1_000;
const warmUpMs = 5_000;

/**
 * How near the shop in one process comes to what its disk can do. The limit is what SQLite alone reaches with a write-ahead
 * log and every commit synced (an event and an outbox row a transaction), divided by the durable steps of an order: how many
 * transactions of all services and of the bus one order takes, counted by the shop's own metrics. Raw rounds and rounds of
 * orders alternate.
 */
export async function durableThroughput(rounds: number): Promise<Figure[]> {
  const { shop, end } = await startMeasured();
  const raw: number[] = [];
  const orders: number[] = [];
  const steps: number[] = [];
  try {
    // One after the other: passwords are hashed two at a time, and a deadline would pass on a busy machine.
    const buyers: Purchaser[] = [];
    for (let n = 0; n < buyersAtOnce; n += 1) buyers.push(await newPurchaser(shop.httpUrl));
    // A shop that has run for a while: the code is compiled when it has run often.
    await buyFor(warmUpMs, buyers);
    for (let round = 0; round < rounds; round += 1) {
      raw.push(rawTransactionsPerSecond());
      const before = await durableSteps(shop.adminUrl);
      const { bought, perSecond } = await buyFor(roundMs, buyers);
      orders.push(perSecond);
      // What follows an order, such as its mails, belongs to it.
      const after = await untilQuiet(() => durableSteps(shop.adminUrl));
      steps.push((after - before) / bought);
    }
  } finally {
    await end();
  }
  const limits = raw.map((perSecond, round) => perSecond / (steps[round] ?? 1));
  return [
    {
      what: 'SQLite alone: transactions with every commit synced (WAL, FULL)',
      unit: 'a second',
      spread: spreadOf(raw),
    },
    {
      what: 'durable steps of an order: transactions of all services and the bus',
      unit: '',
      spread: spreadOf(steps),
    },
    {
      what: 'limit of this disk: transactions over steps',
      unit: 'orders a second',
      spread: spreadOf(limits),
    },
    {
      what: `orders of ${buyersAtOnce} buyers at once, in one process`,
      unit: 'orders a second',
      spread: spreadOf(orders),
    },
    {
      what: 'share of the limit that is reached',
      unit: '',
      spread: spreadOf(orders.map((perSecond, round) => perSecond / (limits[round] ?? 1))),
      goal: 'at least 0.5',
    },
  ];
}

/** All of them buy, one thing after the other. */
async function buyFor(ms: number, buyers: readonly Purchaser[]) {
  const startedMs = performance.now();
  let bought = 0;
  await Promise.all(
    buyers.map(async (buyer) => {
      while (performance.now() - startedMs < ms) {
        await buyer.buy();
        bought += 1;
      }
    }),
  );
  return { bought, perSecond: bought / ((performance.now() - startedMs) / 1_000) };
}

/** Transactions a second of a bare connection: what a step of an order is made of, and nothing around it. */
function rawTransactionsPerSecond(): number {
  const folder = temporaryFolder();
  const database = new DatabaseSync(join(folder.path, 'raw.db'));
  try {
    database.exec(`
      PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
      CREATE TABLE events (stream TEXT, version INTEGER, data BLOB, PRIMARY KEY (stream, version)) WITHOUT ROWID;
      CREATE TABLE outbox (sequence INTEGER PRIMARY KEY AUTOINCREMENT, data BLOB);
    `);
    const event = database.prepare('INSERT INTO events VALUES (?, ?, ?)');
    const message = database.prepare('INSERT INTO outbox (data) VALUES (?)');
    const data = Buffer.alloc(400, 7);
    const startedMs = performance.now();
    let count = 0;
    while (performance.now() - startedMs < rawRoundMs) {
      database.exec('BEGIN IMMEDIATE');
      event.run(`order-${count}`, 1, data);
      message.run(data);
      database.exec('COMMIT');
      count += 1;
    }
    return count / ((performance.now() - startedMs) / 1_000);
  } finally {
    database.close();
    folder.remove();
  }
}

/** Transactions so far, as the shop counts them. */
async function durableSteps(adminUrl: string): Promise<number> {
  const text = await (await fetch(`${adminUrl}/metrics`)).text();
  const counts = text.matchAll(
    /^db_client_operation_duration_seconds_count\{[^}]*db_operation_name="(commit|mark published|publish|acknowledge)"[^}]*\} (\d+)/gm,
  );
  return [...counts].reduce((sum, [, , count]) => sum + Number(count), 0);
}

/** A count, once it has stopped growing. */
async function untilQuiet(count: () => Promise<number>): Promise<number> {
  let last = await count();
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, 500));
    const now = await count();
    // The probes of health write now and then.
    if (now === last) return now;
    last = now;
  }
}
