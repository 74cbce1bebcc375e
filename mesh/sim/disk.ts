import { MeshError } from '../contract/error.js';
import type { Store } from '../store/store.js';
import type { Life } from './life.js';
import type { SeededRandom } from './seeded-random.js';

/** The disk of a service: it outlives the processes that use it. */
export interface Disk {
  /** The store as one life sees it: each use is a moment at which that life may end. */
  storeFor(life: Life): Store;
  /** The store itself, for whoever looks on from outside. */
  readonly store: Store;
  /** Until that virtual moment writes fail, as on a full disk or a file that somebody else has locked. */
  failUntil(untilMs: number): void;
  /** Called after each commit, before the one who committed knows. */
  onCommit(listener: (life: Life) => void): void;
}

/** What a disk is made of. */
export interface DiskOptions {
  /** A real store, with the tables of its service. */
  readonly store: Store;
  readonly service: string;
  readonly random: SeededRandom;
  nowMs(): number;
  /** Tells of each read and write, for the trace. */
  note(what: string, life: Life): void;
}

/** Puts lives and faults around a store. */
export function createDisk(options: DiskOptions): Disk {
  const { store, service, random } = options;
  const listeners: ((life: Life) => void)[] = [];
  let failingUntilMs = 0;

  const storeFor = (life: Life): Store => {
    const read = async <T>(work: () => Promise<T>): Promise<T> => {
      await life.step(random.between(0.02, 0.2));
      return work();
    };
    const write = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
      await life.step(random.between(0.02, 0.3));
      if (options.nowMs() < failingUntilMs) throw unavailable(service);
      const result = await work();
      options.note(what, life);
      for (const listener of listeners) listener(life);
      await life.step(random.between(0.02, 0.3));
      return result;
    };
    return {
      dialect: store.dialect,
      query: (statement) => read(() => store.query(statement)),
      readStream: (stream, afterVersion) => read(() => store.readStream(stream, afterVersion)),
      findCommand: (command) => read(() => store.findCommand(command)),
      inboxHas: (consumer, messageId) => read(() => store.inboxHas(consumer, messageId)),
      unpublished: (limit) => read(() => store.unpublished(limit)),
      commit: (batch) => write('commit', () => store.commit(batch)),
      markPublished: (sequences) => write('mark published', () => store.markPublished(sequences)),
      probe: () => write('probe', () => store.probe()),
      onOutbox: (listener) => {
        const unlisten = store.onOutbox(() => life.after(0, listener));
        const forget = life.onEnd(unlisten);
        return () => {
          forget();
          unlisten();
        };
      },
      close: async () => undefined,
    };
  };
  return {
    storeFor,
    store,
    failUntil: (untilMs) => {
      failingUntilMs = untilMs;
    },
    onCommit: (listener) => void listeners.push(listener),
  };
}

function unavailable(service: string): MeshError {
  return new MeshError({
    code: 'UNAVAILABLE',
    reason: 'STORAGE_UNAVAILABLE',
    message: `the database of ${service} can't be used now: nothing was changed, try again`,
  });
}
