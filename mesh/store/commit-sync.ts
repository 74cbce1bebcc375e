/** Brings what was written to a file to the disk. */
export interface LogFile {
  /** Resolves when everything that was written before the call is on the disk. */
  sync(): Promise<void>;
  close(): void;
}

/** Makes commits durable, many with one sync. */
export interface CommitSync {
  /** A transaction was committed: it is in the file, and not on the disk yet. A sync begins as soon as none is under way. */
  committed(): void;
  /**
   * Resolves when everything that was committed by now is on the disk; undefined when it is. Rejects, then and ever after,
   * when a sync has failed: what the disk has is not known any more until the file is read anew.
   */
  settled(): Promise<void> | undefined;
  /** Takes no more commits; the file is closed when the sync under way is done. */
  close(): void;
}

/**
 * Group commit: one sync for all transactions that were committed before it began. Those that come while it is under way
 * share the next one (DeWitt et al., "Implementation Techniques for Main Memory Database Systems", 1984). The thread does
 * not wait for the disk, so others reach their commit meanwhile: the busier, the larger the groups.
 */
export function shareSyncs(file: LogFile): CommitSync {
  let committed = 0;
  let synced = 0;
  let running: Promise<void> | undefined;
  let next: Promise<void> | undefined;
  let failure: Error | undefined;
  let closed = false;

  const syncOnce = async (): Promise<void> => {
    const upTo = committed;
    try {
      if (failure === undefined) await file.sync();
    } catch (cause) {
      failure = new Error('the log could not be synced: what is on the disk is not known', { cause });
    } finally {
      running = undefined;
    }
    if (failure !== undefined) throw failure;
    synced = upTo;
  };
  const begin = (): Promise<void> => {
    next = undefined;
    running = syncOnce();
    running.catch(() => undefined);
    if (closed) running.finally(() => file.close()).catch(() => undefined);
    return running;
  };
  /** The sync that covers what is committed by now: one that is under way began too early for it. */
  const covering = (): Promise<void> => {
    if (running === undefined) return begin();
    if (next === undefined) {
      next = running.then(begin, begin);
      next.catch(() => undefined);
    }
    return next;
  };

  return {
    committed: () => {
      committed += 1;
      void covering();
    },
    settled: () => {
      if (failure !== undefined) return Promise.reject(failure);
      return synced === committed ? undefined : (next ?? running);
    },
    close: () => {
      closed = true;
      if (running === undefined) file.close();
      else if (next === undefined) running.finally(() => file.close()).catch(() => undefined);
    },
  };
}
