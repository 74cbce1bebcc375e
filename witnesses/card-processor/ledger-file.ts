import { closeSync, fsyncSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import type { LedgerEntry } from './ledger.js';

/** An append-only file of JSON lines. What `append` has returned from is on disk. */
export interface LedgerFile {
  readonly entries: readonly LedgerEntry[];
  append(entry: LedgerEntry): void;
  close(): void;
}

/**
 * Opens the file, makes it when missing, and cuts off a last line that a crash has torn: it was never answered.
 * @throws Error when the file can't be read or written, or a line before the last is not an entry.
 */
export function openLedgerFile(path: string): LedgerFile {
  const file = openSync(path, 'a+', 0o600);
  const text = readFileSync(path, 'utf8');
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  if (whole.length < text.length) {
    ftruncateSync(file, Buffer.byteLength(whole));
    fsyncSync(file);
  }
  const entries = whole
    .split('\n')
    .filter((line) => line !== '')
    .map((line, index) => {
      try {
        return JSON.parse(line) as LedgerEntry;
      } catch (cause) {
        throw new Error(`${path} is damaged in line ${index + 1}: restore it from a copy`, { cause });
      }
    });
  return {
    entries,
    append: (entry) => {
      writeSync(file, `${JSON.stringify(entry)}\n`);
      fsyncSync(file);
      entries.push(entry);
    },
    close: () => closeSync(file),
  };
}
