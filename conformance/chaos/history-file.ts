import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import { StartupError } from '../../mesh/runtime/startup-error.js';
import type { Purchase } from '../workload/history.js';
import type { RecordedCall } from '../workload/recorded-client.js';
import type { FaultKind } from './faults.js';

/** How a run was set up. */
export interface RunFacts {
  readonly seed: number;
  readonly orders: number;
  readonly faults: number;
  readonly duplicates: number;
  readonly store: string;
  readonly bus: string;
  readonly ratePerSecond: number;
  /** How long the run may take, in milliseconds. */
  readonly withinMs: number;
  readonly saleProduct: string;
  readonly salePieces: number;
  readonly startedAt: string;
}

/** A fault that was. Times are monotonic milliseconds of the client's clock. */
export interface FaultRecord {
  readonly fault: FaultKind;
  /** `order > payment`, `payment-2.1`, `redis`. */
  readonly target: string;
  readonly startedMs: number;
  readonly healedMs: number;
  /** Services whose traffic it may disturb, by name; `*` for all. */
  readonly touches: readonly string[];
  /** The service whose traffic was asked for after it. */
  readonly probed: string;
  /** False for a mishap that found no message. */
  readonly tookEffect: boolean;
  /** When a call of the probed service went well that began after the fault was healed; undefined if none did. */
  readonly backAtMs: number | undefined;
}

/** How the run ended. */
export interface EndFacts {
  /** When the load began. */
  readonly loadBeganMs: number;
  /** When the last fault was healed. */
  readonly healedMs: number;
  /** When every order that a buyer knows of was seen final; undefined when that was not in time. */
  readonly finalMs: number | undefined;
  readonly duplicates: number;
  /** How late the load generator's own event loop was, 99th percentile, in milliseconds. */
  readonly generatorLagMs: number;
  /** Share of this machine's processors that was in use while purchases arrived, from 0 to 1. */
  readonly processorsBusy: number;
  /** How long the run took, from the start of the first server until the last witness was asked, in milliseconds. */
  readonly tookMs: number;
}

/** A line of the history. */
export type HistoryLine =
  | ({ readonly kind: 'run' } & RunFacts)
  | ({ readonly kind: 'call' } & RecordedCall)
  | ({ readonly kind: 'fault' } & FaultRecord)
  /** `arrivedMs`: when the buyer wanted to begin, however late it could. */
  | ({ readonly kind: 'purchase'; readonly arrivedMs: number; readonly sale: boolean } & Purchase)
  | ({ readonly kind: 'end' } & EndFacts);

/** Writes a history, line by line, as it happens. */
export interface HistoryWriter {
  write(line: HistoryLine): void;
  close(): void;
}

/** Begins a history. */
export function writeHistory(path: string): HistoryWriter {
  const file = openSync(path, 'w', 0o600);
  return {
    write: (line) => void writeSync(file, `${JSON.stringify(line)}\n`),
    close: () => closeSync(file),
  };
}

/** What a history tells. */
export interface History {
  readonly run: RunFacts;
  readonly calls: readonly RecordedCall[];
  readonly faults: readonly FaultRecord[];
  readonly purchases: readonly (Purchase & { readonly arrivedMs: number; readonly sale: boolean })[];
  readonly end: EndFacts;
}

/** Reads a history. @throws StartupError that names what is missing or the line that can't be read. */
export function readHistory(path: string): History {
  const lines = textOf(path)
    .split('\n')
    .flatMap((text, index) => {
      if (text === '') return [];
      try {
        return [JSON.parse(text) as HistoryLine];
      } catch (cause) {
        throw new StartupError(`${path} line ${index + 1} is no JSON`, wholeRun, { cause });
      }
    });
  const of = <K extends HistoryLine['kind']>(kind: K) =>
    lines.filter((line): line is Extract<HistoryLine, { kind: K }> => line.kind === kind);
  const [run] = of('run');
  const [end] = of('end');
  if (run === undefined || end === undefined)
    throw new StartupError(
      `${path} has no ${run === undefined ? 'beginning' : 'end'}: the run was broken off`,
      wholeRun,
    );
  // Without it no goal of time would be judged.
  if (typeof end.processorsBusy !== 'number')
    throw new StartupError(
      `${path} does not say how busy the processors were: another version wrote it`,
      wholeRun,
    );
  return {
    run,
    calls: of('call'),
    faults: of('fault'),
    // JSON leaves out what is undefined.
    purchases: of('purchase').map((line) => ({
      ...line,
      orderId: line.orderId,
      refused: line.refused,
      last: line.last,
    })),
    end,
  };
}

const wholeRun = 'name the folder of a run of this version that came to its end';

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new StartupError(`${path} can't be read (${(cause as NodeJS.ErrnoException).code})`, wholeRun, {
      cause,
    });
  }
}
