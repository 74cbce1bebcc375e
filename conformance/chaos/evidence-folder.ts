import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LedgerEntry } from '../../witnesses/card-processor/ledger.js';
import type { ReceivedMail } from '../../witnesses/mail-sink/mailbox.js';
import type { Evidence, StockFigure } from '../invariants/evidence.js';
import type { BoughtLine, OrderView } from '../workload/shop-client.js';
import { type History, readHistory } from './history-file.js';

/** What the public API told after the last fault was healed. */
export interface PublicReads {
  readonly orders: readonly (OrderView & { readonly user: string })[];
  readonly carts: Readonly<Record<string, readonly BoughtLine[]>>;
  readonly stockBefore: Readonly<Record<string, number>>;
  readonly stock: readonly StockFigure[];
}

/** Files of a run's folder: what clients saw, and what the witnesses kept. */
export const evidenceFiles = {
  history: 'history.jsonl',
  publicReads: 'public.json',
  ledger: 'ledger.jsonl',
  mail: 'mail.jsonl',
} as const;

/** Keeps what the public API told. */
export function writePublicReads(folder: string, reads: PublicReads): void {
  writeFileSync(join(folder, evidenceFiles.publicReads), `${JSON.stringify(reads)}\n`, { mode: 0o600 });
}

/** Reads all that a verdict rests on. Nothing else of the run is needed. @throws Error for what is missing. */
export function readEvidence(folder: string): { readonly history: History; readonly evidence: Evidence } {
  const history = readHistory(join(folder, evidenceFiles.history));
  const reads = JSON.parse(readFileSync(join(folder, evidenceFiles.publicReads), 'utf8')) as PublicReads;
  const { saleProduct, salePieces } = history.run;
  return {
    history,
    evidence: {
      purchases: history.purchases,
      orders: reads.orders,
      carts: new Map(Object.entries(reads.carts)),
      ledger: readLines<LedgerEntry>(join(folder, evidenceFiles.ledger)),
      mails: readMails(folder),
      stockBefore: new Map(Object.entries(reads.stockBefore)),
      stock: reads.stock,
      sale: {
        productId: saleProduct,
        pieces: salePieces,
        keys: new Set(history.purchases.flatMap(({ sale, key }) => (sale ? [key] : []))),
      },
    },
  };
}

/** The mails that arrived so far. */
export function readMails(folder: string): Evidence['mails'] {
  return readLines<ReceivedMail>(join(folder, evidenceFiles.mail)).map(({ messageId, subject, source }) => ({
    messageId,
    subject,
    text: source,
  }));
}

/** A line without its end is being written just now, or was when its writer died. */
function readLines<T>(path: string): T[] {
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line.endsWith('}'))
    .map((line) => JSON.parse(line) as T);
}
