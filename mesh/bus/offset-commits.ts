import type { CommittedOffset } from './offset-ledger.js';
import { oneAtATime } from './one-at-a-time.js';

/** What commits of offsets are made with. */
export interface OffsetCommitsOptions<Partition> {
  /** What to commit of a partition; undefined when it is not this process's any more. */
  markOf(partition: Partition): CommittedOffset | undefined;
  /** Commits marks. Rejects when that failed. */
  commit(marks: ReadonlyMap<Partition, CommittedOffset>): Promise<void>;
  /** Runs a task later. */
  later(delayMs: number, task: () => void): void;
  onFailure(error: unknown): void;
}

/** Commits what was dealt with, some time after it was. */
export interface OffsetCommits<Partition> {
  /** There is something new of a partition. */
  note(partition: Partition): void;
  /** Commits now. Resolves also when that failed: then it is tried again later. */
  flush(): Promise<void>;
}

/** In milliseconds: what comes within the first is committed together. */
const timing = { gatherMs: 20, retryMs: 200 };

/** Makes one commit at a time: an older one must not come after a newer. */
export function offsetCommits<Partition>(options: OffsetCommitsOptions<Partition>): OffsetCommits<Partition> {
  const uncommitted = new Set<Partition>();
  const inTurn = oneAtATime();
  let scheduled = false;
  const schedule = (delayMs: number) => {
    if (scheduled) return;
    scheduled = true;
    options.later(delayMs, () => {
      scheduled = false;
      void flush();
    });
  };
  const flush = (): Promise<void> =>
    inTurn(async () => {
      const marks = new Map<Partition, CommittedOffset>();
      for (const partition of uncommitted) {
        const mark = options.markOf(partition);
        if (mark !== undefined) marks.set(partition, mark);
      }
      uncommitted.clear();
      if (marks.size === 0) return;
      try {
        await options.commit(marks);
      } catch (error) {
        options.onFailure(error);
        for (const partition of marks.keys()) uncommitted.add(partition);
        schedule(timing.retryMs);
      }
    });
  return {
    note: (partition) => {
      uncommitted.add(partition);
      schedule(timing.gatherMs);
    },
    flush,
  };
}
