import type { CallContext, CommandKey } from '../rpc/context.js';
import type { TraceContext } from '../telemetry/trace-context.js';

/** Values that pass in and out of SQL. An integer comes out as a number, or as a bigint when a number can't hold it exactly. */
export type SqlValue = string | number | bigint | Uint8Array | null;
export type Row = Record<string, SqlValue>;

/** What a store is kept in, for the few statements that are not in the common subset: full-text search. */
export type Dialect = 'sqlite' | 'postgres';

/** One SQL statement with `?` placeholders, in the common subset of SQLite and PostgreSQL. */
export interface Statement {
  readonly sql: string;
  readonly values?: readonly SqlValue[];
}

/**
 * A write that must change a given number of rows, or the whole batch is undone with a {@link StoreConflict}. Its condition
 * is about the rows that it changes: what it says of others is right only in a batch that is {@link Batch.alone}.
 */
export interface GuardedStatement extends Statement {
  /** Expected number of changed rows; absent: any number will do. */
  readonly changes?: number;
  /** Name that the conflict carries, so that the caller can tell which guard failed. Default: the position, `#0`. */
  readonly guard?: string;
}

/** An event as it is stored. `data` is an encoded protobuf message, `type` its full name. */
export interface StoredEvent {
  readonly type: string;
  readonly data: Uint8Array;
}

/** An event read back from its stream. Versions count from 1 without gaps. */
export interface RecordedEvent extends StoredEvent {
  readonly version: number;
  readonly recordedAtMs: number;
}

/** A message that leaves through the outbox after the commit. */
export interface OutboxMessage {
  /** Full proto name, such as `meshmart.order.v1.OrderPlaced`. */
  readonly type: string;
  /** Aggregate id: messages of one key stay in order. */
  readonly key: string;
  readonly data: Uint8Array;
}

/** The stored answer to a command. */
export interface CommandAnswer extends CommandKey {
  /** The encoded response, or null while the command is accepted but not answered yet (PlaceOrder). */
  readonly response: Uint8Array | null;
  /** What the command made, such as the order's id; needed while the response is null. */
  readonly reference?: string;
}

/** All that one decision writes. It happens wholly or not at all, in one transaction without any await in it. */
export interface Batch {
  /** Streams to append to; `expectedVersion` 0 means that the stream must be new. */
  readonly streams?: readonly {
    readonly stream: string;
    readonly expectedVersion: number;
    readonly events: readonly StoredEvent[];
  }[];
  /** Run in the order given, after the streams. */
  readonly statements?: readonly GuardedStatement[];
  readonly outbox?: readonly OutboxMessage[];
  /** Marks a message as handled; a second time is a {@link StoreConflict} of kind `inbox`. */
  readonly inbox?: { readonly consumer: string; readonly messageId: string };
  /** Stores the answer of a command; a second time is a {@link StoreConflict} of kind `command`. */
  readonly command?: CommandAnswer;
  /** Fills in the answer of a command that was stored with a null response. The first answer wins; later ones are nothing. */
  readonly answer?: { readonly scope: string; readonly key: string; readonly response: Uint8Array };
  /** The trace that the outbox messages belong to. */
  readonly trace?: TraceContext;
  /** No other batch appends events between this one's first statement and its end. Default false: it would hold all up. */
  readonly alone?: boolean;
}

/**
 * A service's own database. The way to use it is: load (async), decide (pure), commit a batch.
 * Nothing of one service's store can be seen by another.
 */
export interface Store {
  readonly dialect: Dialect;
  /**
   * Rows of a read. @throws MeshError UNAVAILABLE (STORAGE_UNAVAILABLE) when the database can't be read, INTERNAL for a value
   * that does not fit.
   */
  query<T extends Row = Row>(statement: Statement, trace?: TraceContext): Promise<T[]>;
  /** A stream's events after `afterVersion` (default 0), oldest first; empty when there is no such stream. */
  readStream(stream: string, afterVersion?: number, trace?: TraceContext): Promise<RecordedEvent[]>;
  /**
   * The stored answer to a command, or undefined when it has not been seen.
   * @throws MeshError ALREADY_EXISTS (IDEMPOTENCY_KEY_REUSED) when the key was used with another request.
   */
  findCommand(command: CommandKey, trace?: TraceContext): Promise<CommandAnswer | undefined>;
  /** True when this consumer has handled this message. */
  inboxHas(consumer: string, messageId: string): Promise<boolean>;
  /**
   * Writes a batch; once it resolves, the batch survives kill -9 and loss of power.
   * @throws StoreConflict when a version, guard, inbox row or command row is not as expected: nothing was written.
   * @throws MeshError UNAVAILABLE (STORAGE_UNAVAILABLE) when it was not written, or, where the database is a server, it is
   * not known whether it was: load again. A command or an inbox row in the batch makes repeating it safe.
   * @throws MeshError INTERNAL when it breaks a rule of the database (a constraint, a value that does not fit): nothing was
   * written, and nothing would be if it were repeated. What a batch that lost a race meets is never that.
   */
  commit(batch: Batch): Promise<void>;
  /** Up to `limit` outbox messages that were not marked as published, oldest first. For the outbox relay. */
  unpublished(limit: number): Promise<PendingMessage[]>;
  /** Marks outbox messages as published: they are deleted. */
  markPublished(sequences: readonly bigint[]): Promise<void>;
  /** Calls `listener` after each commit that wrote outbox messages; returns the function that ends it. */
  onOutbox(listener: () => void): () => void;
  /** Writes and reads a row of its own. @throws MeshError when the database does not work. */
  probe(): Promise<void>;
  close(): Promise<void>;
}

/** An outbox message that waits for the relay. */
export interface PendingMessage extends OutboxMessage {
  /** Order of commits within this store. */
  readonly sequence: bigint;
  /** Unique among all messages of all services: the inbox's key. */
  readonly messageId: string;
  readonly occurredAtMs: number;
  readonly traceparent: string | undefined;
}

/** Why a batch was not written. */
export type ConflictKind = 'version' | 'guard' | 'inbox' | 'command';

/** The batch met a state that it did not expect; load again and decide again. */
export class StoreConflict extends Error {
  constructor(
    readonly kind: ConflictKind,
    /** The stream, the guard's name, the message id or the command key. */
    readonly subject: string,
  ) {
    super(`${kind} conflict on ${subject}`);
    this.name = 'StoreConflict';
  }
}

/** The part of a call's context that a store wants. */
export type StoreContext = Pick<CallContext, 'trace' | 'command'>;
