import { MeshError } from '../contract/error.js';
import type { CallContext } from '../rpc/context.js';
import { type Batch, type Store, StoreConflict } from './store.js';

/** Encodes and decodes the response that is stored. */
export interface ResponseCodec<T> {
  encode(message: T): { finish(): Uint8Array };
  decode(bytes: Uint8Array): T;
}

/** A batch that may hold the answer of a command. */
type Answering = Pick<Batch, 'command'>;

/** What remembers commands: a store with its batches, or documents with theirs. */
export interface CommandMemory<B extends Answering> extends Pick<Store, 'findCommand'> {
  commit(batch: B & Answering): Promise<void>;
}

/** A command that is done once. */
export interface OnceOptions<T, B extends Answering> {
  readonly store: CommandMemory<B>;
  readonly context: Pick<CallContext, 'command' | 'trace'>;
  readonly codec: ResponseCodec<T>;
  /** Decides what to write and what to answer. May run again when it lost a race. */
  work(): Promise<{ readonly batch: NoInfer<B>; readonly response: T }>;
}

/**
 * Does a command once and gives every repetition the first answer. The answer is stored in the transaction of the effect,
 * so there is no moment at which one is there without the other. Without an idempotency key it just does it.
 * @throws MeshError ALREADY_EXISTS (IDEMPOTENCY_KEY_REUSED) when the key belongs to another request.
 * @throws StoreConflict of kind version, guard or inbox, which are for the caller to handle.
 */
export async function answerOnce<T, B extends Answering = Batch>(options: OnceOptions<T, B>): Promise<T> {
  const { store, context, codec } = options;
  const { command, trace } = context;
  const stored = async () => {
    const found = command === undefined ? undefined : await store.findCommand(command, trace);
    return found?.response == null ? undefined : codec.decode(found.response);
  };
  const before = await stored();
  if (before !== undefined) return before;
  const { batch, response } = await options.work();
  if (command === undefined) {
    await store.commit(batch);
    return response;
  }
  try {
    await store.commit({ ...batch, command: { ...command, response: codec.encode(response).finish() } });
    return response;
  } catch (error) {
    if (!(error instanceof StoreConflict) || error.kind !== 'command') throw error;
    const winner = await stored();
    if (winner !== undefined) return winner;
    throw new MeshError({
      code: 'ABORTED',
      reason: 'CONFLICT',
      message: 'the same command is being carried out: try again',
    });
  }
}
