import type { RecordedEvent, SqlValue } from './store.js';

/**
 * A table that tells what streams of events came to. It is written in the transaction of the events, so it is never
 * behind; and it can be made anew from them at any time, which `meshmart replay` does.
 */
export interface Projection {
  /** The table. None of its columns may be NULL. */
  readonly table: string;
  /** Its columns, the key first. */
  readonly columns: readonly string[];
  /** What the names of its streams begin with, in plain letters; each stream makes one row. */
  readonly streams: string;
  /**
   * The row of a stream, in the order of the columns. Pure.
   * @throws Error for events that this version does not know.
   */
  row(events: readonly RecordedEvent[]): readonly SqlValue[];
}
