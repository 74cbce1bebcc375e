import type { Store } from '../../mesh/store/store.js';
import { testCards } from '../../witnesses/card-processor/test-cards.js';
import type { SimulatedShop } from './simulated-shop.js';

const numbers = new RegExp(Object.keys(testCards).join('|'));

/** Where the number of a card can be read: tables of services, events on the bus, mails. Each place is named once. */
export async function spilledCards({ disks, broker, mails }: SimulatedShop): Promise<string[]> {
  const places = new Set<string>();
  for (const [service, { store }] of disks)
    for (const table of await tablesOf(store)) {
      const rows = await store.query({ sql: `SELECT * FROM ${table}` });
      if (rows.some((row) => Object.values(row).some(shows))) places.add(`table ${service}.${table}`);
    }
  for (const { type, data } of broker.published()) if (shows(data)) places.add(`event ${type}`);
  for (const { text, subject } of mails) if (shows(text)) places.add(`mail "${subject}"`);
  return [...places];
}

async function tablesOf(store: Store): Promise<string[]> {
  const rows = await store.query({ sql: "SELECT name FROM sqlite_master WHERE type = 'table'" });
  return rows.map(({ name }) => String(name));
}

function shows(value: unknown): boolean {
  if (value instanceof Uint8Array)
    return numbers.test(Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('latin1'));
  return typeof value === 'string' && numbers.test(value);
}
