import type { CommandKey } from '../rpc/context.js';
import type { TraceContext } from '../telemetry/trace-context.js';
import type { Batch, CommandAnswer } from './store.js';

/** A document as it was loaded. */
export interface Document {
  /** Counts from 1 with each change. */
  readonly version: number;
  readonly data: Uint8Array;
}

/** A change of one document. */
export interface DocumentChange {
  readonly key: string;
  /** The version that was loaded; 0 when there was no document. */
  readonly expectedVersion: number;
  /** The document from now on; null deletes it, and its versions begin at 1 again. */
  readonly data: Uint8Array | null;
  /** After so many milliseconds without another change the document is gone. Default: never. */
  readonly expiresAfterMs?: number | undefined;
}

/** All that one decision writes. It happens wholly or not at all. */
export interface DocumentBatch extends Pick<Batch, 'inbox' | 'trace'> {
  readonly changes: readonly DocumentChange[];
  /** Stores the answer of a command; a second time is a StoreConflict of kind `command`. */
  readonly command?: CommandAnswer;
}

/**
 * Versioned documents of one service: for what is read and written as a whole, such as a cart. The way to use them is:
 * load (async), decide (pure), commit. Where they are kept is the shape's business.
 */
export interface Documents {
  /** The document, or undefined when there is none. @throws MeshError UNAVAILABLE (STORAGE_UNAVAILABLE). */
  load(key: string, trace?: TraceContext): Promise<Document | undefined>;
  /**
   * The stored answer to a command, or undefined when it has not been seen.
   * @throws MeshError ALREADY_EXISTS (IDEMPOTENCY_KEY_REUSED) when the key was used with another request.
   */
  findCommand(command: CommandKey, trace?: TraceContext): Promise<CommandAnswer | undefined>;
  /** True when this consumer has handled this message. */
  inboxHas(consumer: string, messageId: string): Promise<boolean>;
  /**
   * Writes a batch; once it resolves, the batch survives kill -9.
   * @throws StoreConflict when a version (its subject is the document's key), inbox row or command is not as expected:
   * nothing was written.
   * @throws MeshError UNAVAILABLE (STORAGE_UNAVAILABLE) when it could not be written, or it is not known whether it was:
   * a command with an idempotency key can be repeated safely.
   * @throws RangeError for a key that is named twice, or a deletion of what is not there.
   */
  commit(batch: DocumentBatch): Promise<void>;
  /** Writes and reads something of its own. @throws MeshError when that does not work. */
  probe(): Promise<void>;
}

/** Refuses a batch that contradicts itself, whatever the documents are kept in. */
export function requireSound({ changes }: DocumentBatch): void {
  const keys = new Set<string>();
  for (const { key, expectedVersion, data, expiresAfterMs } of changes) {
    if (keys.has(key)) throw new RangeError(`${key} is changed twice in one batch`);
    keys.add(key);
    if (!Number.isSafeInteger(expectedVersion) || expectedVersion < 0)
      throw new RangeError(`${key}: a version is a whole number from 0, not ${expectedVersion}`);
    if (data === null && expectedVersion === 0)
      throw new RangeError(`${key} is not there: it can't be deleted`);
    if (expiresAfterMs !== undefined && !(Number.isSafeInteger(expiresAfterMs) && expiresAfterMs > 0))
      throw new RangeError(`${key}: expiresAfterMs is a whole number above 0, not ${expiresAfterMs}`);
  }
}
