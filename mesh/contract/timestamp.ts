import type { Timestamp } from '../../proto/gen/google/protobuf/timestamp.js';

/** A protobuf timestamp of milliseconds since the epoch. */
export function timestampOf(ms: number): Timestamp {
  const seconds = Math.floor(ms / 1_000);
  return { seconds: BigInt(seconds), nanos: Math.round((ms - seconds * 1_000) * 1e6) };
}

/** Milliseconds since the epoch of a protobuf timestamp; 0 for none. */
export function millisOf(timestamp: Timestamp | undefined): number {
  return timestamp === undefined ? 0 : Number(timestamp.seconds) * 1_000 + timestamp.nanos / 1e6;
}
