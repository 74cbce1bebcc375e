import { openSync } from 'node:fs';
import { destination, type Level, type Logger, pino } from 'pino';
import type { Clock, Log } from '../runtime/ports.js';
import { StartupError } from '../runtime/startup-error.js';
import { redactFields, redactText } from './redact.js';

export const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

/** Where a log goes and what it lets through. */
export interface LogOptions {
  /** A file, made readable by its owner only and appended to; `stdout` for the standard output. */
  readonly destination: { readonly file: string } | 'stdout';
  /** The least that is written. Default `info`. */
  readonly level?: LogLevel;
  /** Gives the `time` of each line. */
  readonly clock: Pick<Clock, 'nowMs'>;
}

/** A log with an end. */
export interface OpenLog {
  /** The log of one service; its lines say so. */
  service(name: string): Log;
  /** Writes what was gathered. */
  flush(): void;
  /** Writes what was gathered and closes; later lines are dropped. A second time does nothing. */
  close(): void;
}

interface Target {
  isClosed(): boolean;
  flush(): void;
}

/** Fields that a line has of its own; one of a caller's of this name goes by `field_<name>`. */
const ownNames = ['time', 'level', 'service', 'message'];

/** Names of trace fields as callers write them, and as OpenTelemetry's log format does. */
const traceNames: Readonly<Record<string, string>> = { traceId: 'trace_id', spanId: 'span_id' };

/** Lines are gathered up to this many bytes, or this many milliseconds, and written at once. */
const gather = { bytes: 4_096, ms: 200 };

/**
 * Opens the log of a process: one JSON object a line with `time`, `level`, `service`, `message`, and the fields given.
 * A field `trace` (a TraceContext) is written as `trace_id` and `span_id`. Secrets are masked (see redactFields), and
 * no value can break a line in two. Lines are gathered for at most 200 ms; warnings and errors, and the rest at the exit
 * of the process, are written at once.
 * @throws StartupError when the file can't be opened.
 */
export function openLog(options: LogOptions): OpenLog {
  const { clock, level = 'info' } = options;
  const file = options.destination === 'stdout' ? undefined : open(options.destination.file);
  const stream = destination({
    fd: file ?? 1,
    sync: true,
    minLength: gather.bytes,
    periodicFlush: gather.ms,
  });
  // A full disk or a closed pipe must not end the shop.
  stream.on('error', () => undefined);
  const root = pino(
    {
      level,
      base: null,
      messageKey: 'message',
      timestamp: () => `,"time":"${new Date(clock.nowMs()).toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      // Control characters that JSON lets stand, some of which end a line for some readers.
      hooks: { streamWrite: (line) => line.replace(/[\u007f-\u009f\u2028\u2029]/g, escaped) },
    },
    stream,
  );
  let closed = false;
  const close = () => {
    if (closed) return;
    closed = true;
    process.removeListener('exit', close);
    root.level = 'silent';
    flush(stream);
    stream.destroy();
  };
  process.once('exit', close);
  const target = { isClosed: () => closed, flush: () => writeOut(stream) };
  return {
    service: (name) => logOf(root.child({ service: redactText(name) }), target),
    flush: target.flush,
    close,
  };
}

function logOf(logger: Logger, target: Target): Log {
  const write = (level: Level) => (fields: Record<string, unknown>, message: string) => {
    if (target.isClosed() || !logger.isLevelEnabled(level)) return;
    logger[level](named(fields), redactText(message));
    if (level === 'warn' || level === 'error') target.flush();
  };
  return {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    child: (fields) => logOf(logger.child(named(fields)), target),
  };
}

/** The fields, redacted, under the names that they are written by. */
function named(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { trace, ...others } = fields;
  const given: Record<string, unknown> = isTrace(trace)
    ? { ...others, traceId: trace.traceId, spanId: trace.spanId }
    : fields;
  const written: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(redactFields(given))) {
    written[ownNames.includes(name) ? `field_${name}` : (traceNames[name] ?? name)] = value;
  }
  // Ids are hexadecimal: what looks like a card number in one is none.
  for (const [name, value] of Object.entries(given)) {
    const as = traceNames[name] ?? name;
    if (Object.values(traceNames).includes(as) && isTraceId(value)) written[as] = value;
  }
  return written;
}

function isTraceId(value: unknown): value is string {
  return typeof value === 'string' && /^(?:[0-9a-f]{16}|[0-9a-f]{32})$/.test(value);
}

function isTrace(value: unknown): value is { traceId: string; spanId: string } {
  return typeof value === 'object' && value !== null && 'traceId' in value && 'spanId' in value;
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

function open(path: string): number {
  try {
    return openSync(path, 'a', 0o600);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    throw new StartupError(`the log file ${path} can't be written (${code})`, 'make its folder writable', {
      cause,
    });
  }
}

/** Hands lines to the operating system. Not flushSync, which waits for the disk: a failure a line would stop the process. */
function writeOut(stream: { flush(): void }): void {
  try {
    stream.flush();
  } catch {
    // As below.
  }
}

function flush(stream: { flushSync(): void }): void {
  try {
    stream.flushSync();
  } catch {
    // The disk is full or the reader has gone: there is nobody to tell, and the shop goes on.
  }
}
