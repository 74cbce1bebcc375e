import type { Log } from '../runtime/ports.js';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** A line as it was logged, with the fields of the log it went through. */
export interface CollectedLine {
  readonly level: LogLevel;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly message: string;
}

/** A log that keeps its lines, those of its children included. */
export interface CollectingLog extends Log {
  readonly lines: readonly CollectedLine[];
}

/** Makes an empty log for a test. */
export function collectingLog(): CollectingLog {
  const lines: CollectedLine[] = [];
  return { lines, ...logInto(lines, {}) };
}

function logInto(lines: CollectedLine[], bound: Record<string, unknown>): Log {
  const write = (level: LogLevel) => (fields: Record<string, unknown>, message: string) => {
    lines.push({ level, fields: { ...bound, ...fields }, message });
  };
  return {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    child: (fields) => logInto(lines, { ...bound, ...fields }),
  };
}
