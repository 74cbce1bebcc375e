import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { packageRoot } from '../mesh/runtime/package-root.js';

/** The programs outside the shop, started by the test itself so that they outlive each kill of the shop. */
export interface Witnesses {
  readonly cardProcessorUrl: string;
  readonly smtpUrl: string;
  readonly mailUrl: string;
  ledger(): Promise<Ledger>;
  stop(): Promise<void>;
}

/** The card processor's ledger, added up by reference (the order's id), in cents. */
export interface Ledger {
  references(): readonly string[];
  capturedCents(reference: string): bigint;
  refundedCents(reference: string): bigint;
  /** Authorised and neither captured nor voided: the buyer's money that is still held. */
  openCents(reference: string): bigint;
  /** How many times money was taken. */
  captures(reference: string): number;
}

/** Starts both witnesses on free ports with their files in `folder`. */
export async function startWitnesses(folder: string): Promise<Witnesses> {
  const processor = await start('card-processor', {
    CARD_PROCESSOR_LEDGER: join(folder, 'ledger.jsonl'),
    CARD_PROCESSOR_PORT: '0',
  });
  const mail = await start('mail-sink', {
    MAIL_SINK_FILE: join(folder, 'mail.jsonl'),
    MAIL_SINK_SMTP_PORT: '0',
    MAIL_SINK_HTTP_PORT: '0',
  });
  const cardProcessorUrl = processor.listening['url'] ?? '';
  return {
    cardProcessorUrl,
    smtpUrl: mail.listening['smtpUrl'] ?? '',
    mailUrl: mail.listening['httpUrl'] ?? '',
    ledger: async () =>
      ledgerOf((await (await fetch(`${cardProcessorUrl}/v1/ledger`)).json()) as { entries: LedgerEntry[] }),
    stop: async () => {
      await Promise.all([stop(processor.child), stop(mail.child)]);
    },
  };
}

interface LedgerEntry {
  readonly type: string;
  readonly reference: string;
  readonly amount: { readonly units: string; readonly nanos: number };
}

function ledgerOf(answer: { entries: LedgerEntry[] }): Ledger {
  const of = (reference: string, type: string) =>
    answer.entries.filter((entry) => entry.reference === reference && entry.type === type);
  const cents = (reference: string, type: string) =>
    of(reference, type).reduce(
      (sum, { amount }) => sum + BigInt(amount.units) * 100n + BigInt(amount.nanos) / 10_000_000n,
      0n,
    );
  return {
    references: () => [...new Set(answer.entries.map((entry) => entry.reference))],
    capturedCents: (reference) => cents(reference, 'captured'),
    refundedCents: (reference) => cents(reference, 'refunded'),
    openCents: (reference) =>
      cents(reference, 'authorized') - cents(reference, 'captured') - cents(reference, 'voided'),
    captures: (reference) => of(reference, 'captured').length,
  };
}

async function start(name: string, environment: Record<string, string>) {
  const main = join(packageRoot(), 'dist', 'witnesses', name, 'main.js');
  const child = spawn(process.execPath, [main], {
    env: { PATH: process.env['PATH'], ...environment },
    // They end with the channel, however this process ends.
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  const listening = await new Promise<Record<string, string>>((resolve, reject) => {
    let text = '';
    child.once('exit', (code) => reject(new Error(`${name} ended with ${code} before it listened`)));
    child.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      const line = text.split('\n').find((candidate) => candidate.includes('"listening"'));
      if (line !== undefined) resolve(JSON.parse(line).listening);
    });
  });
  return { child, listening };
}

function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once('exit', () => resolve());
    child.kill('SIGTERM');
  });
}
