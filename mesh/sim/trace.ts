import { createHash } from 'node:crypto';

/** One thing that happened in a simulation. */
export interface TraceEntry {
  readonly atMs: number;
  readonly what: string;
  readonly from: string;
  readonly to: string;
  readonly detail: string;
}

/** What happened, in order: its hash tells whether two runs were the same. */
export interface SimulationTrace {
  note(what: string, from: string, to: string, detail: string): void;
  /** Hash of all that was noted so far. */
  hash(): string;
  /** The entries, where they are kept. */
  entries(): readonly TraceEntry[];
  /** Number of entries, kept or not. */
  count(): number;
}

/** Makes a trace. @param keep whether entries are kept, or only hashed. */
export function createTrace(nowMs: () => number, keep: boolean): SimulationTrace {
  const digest = createHash('sha256');
  const entries: TraceEntry[] = [];
  let waiting = '';
  let count = 0;
  const flush = () => {
    digest.update(waiting);
    waiting = '';
  };
  return {
    note: (what, from, to, detail) => {
      count += 1;
      const atMs = nowMs();
      waiting += `${atMs} ${what} ${from} ${to} ${detail}\n`;
      if (waiting.length > 16_384) flush();
      if (keep) entries.push({ atMs, what, from, to, detail });
    },
    hash: () => {
      flush();
      return digest.copy().digest('hex').slice(0, 32);
    },
    entries: () => entries,
    count: () => count,
  };
}
