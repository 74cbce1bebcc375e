/** Brings what was written to a file to the disk. */
export interface LogFile {
  /** Resolves when everything that was written before the call is on the disk. */
  sync(): Promise<void>;
  close(): void;
}

/** Makes commits durable, many with one sync. */
export interface CommitSync {
  /** A transaction was committed: it is in the file, and not on the disk yet. A sync begins soon after any that is under way. */
  committed(): void;
  /**
   * Resolves when everything that was committed by now is on the disk; undefined when it is. Rejects, then and ever after,
   * when a sync has failed: what the disk has is not known any more until the file is read anew.
   */
  settled(): Promise<void> | undefined;
  /** Takes no more commits; the file is closed when the sync under way is done. */
  close(): void;
}

/** What was committed may be on the disk or not, and nobody can say. */
export class SyncFailed extends Error {
  constructor(cause: unknown) {
    super('the log could not be synced: what is on the disk is not known', { cause });
    this.name = 'SyncFailed';
  }
}

/** How syncs are shared. */
export interface ShareSyncsOptions {
  /**
   * Calls its argument when what is about to be committed has been committed: with `setImmediate`, whatever is ready to run
   * now goes in one sync. Default: at once.
   */
  readonly gather?: (begin: () => void) => void;
}

/**
 * Group commit: one sync for all transactions that were committed before it began. Those that come while it is under way
 * share the next one (DeWitt et al., "Implementation Techniques for Main Memory Database Systems", 1984). The thread does
 * not wait for the disk, so others reach their commit meanwhile: the busier, the larger the groups.
 */
export function shareSyncs(file: LogFile, options: ShareSyncsOptions = {}): CommitSync {
  const { gather = (begin) => begin() } = options;
  let committed = 0;
  let synced = 0;
  /** A sync that may still take commits in, and the one that is under way. */
  let gathering: Promise<void> | undefined;
  let running: Promise<void> | undefined;
  let failure: Error | undefined;
  let closed = false;

  const sync = async (): Promise<void> => {
    await running?.catch(() => undefined);
    await new Promise<void>((resolve) => gather(resolve));
    running = gathering;
    gathering = undefined;
    const upTo = committed;
    try {
      if (failure === undefined) await file.sync();
    } catch (cause) {
      failure = new SyncFailed(cause);
    }
    if (failure === undefined) synced = upTo;
    if (gathering === undefined) running = undefined;
    if (closed && gathering === undefined) file.close();
    if (failure !== undefined) throw failure;
  };

  return {
    committed: () => {
      committed += 1;
      if (gathering !== undefined) return;
      gathering = sync();
      // Whoever waits hears of a failure; it is no error that nobody waits.
      gathering.catch(() => undefined);
    },
    settled: () => {
      if (failure !== undefined) return Promise.reject(failure);
      return synced === committed ? undefined : (gathering ?? running);
    },
    close: () => {
      closed = true;
      if (gathering === undefined && running === undefined) file.close();
    },
  };
}
