import type { DeadLetter } from './bus.js';

/** How much is kept at most. */
export interface KeptLettersBounds {
  /** Default 10000. */
  readonly letters?: number;
  /** Of their messages. Default 32 MiB. The oldest letter is kept however long it is. */
  readonly bytes?: number;
}

/**
 * The oldest dead letters of a log, as many as memory is given for. Of the others it knows no more than that they are there,
 * until there is room and the log is read again.
 */
export interface KeptLetters {
  /** Oldest first, by message id. */
  all(): ReadonlyMap<string, DeadLetter>;
  /**
   * A record of the log: the last word on this id, which is undefined when it is no dead letter any more. One that was taken
   * before changes nothing, but what was left out then may be kept now.
   */
  take(id: string, offset: number, letter: DeadLetter | undefined): void;
  /** Whether half of the letters are gone, and some were left out: the log should be read again. */
  outdated(): boolean;
  /** The log is read from its beginning again. */
  rewind(): void;
}

/** Makes an empty memory. */
export function keptLetters(bounds: KeptLettersBounds = {}): KeptLetters {
  const { letters: most = 10_000, bytes: mostBytes = 32 * 2 ** 20 } = bounds;
  /** All that are there, in the order of the last word on each. Those with a letter come first. */
  const known = new Map<string, { readonly offset: number; readonly letter: DeadLetter | undefined }>();
  let [kept, bytes, next] = [0, 0, 0];
  /** How many were kept when one was left out; undefined while none is. Those after it are left out too. */
  let fullAt: number | undefined;

  const keep = (letter: DeadLetter): DeadLetter | undefined => {
    const size = letter.message.data.byteLength;
    if (fullAt === undefined && kept > 0 && (kept >= most || bytes + size > mostBytes)) fullAt = kept;
    if (fullAt !== undefined) return undefined;
    kept += 1;
    bytes += size;
    return letter;
  };
  const remove = (id: string) => {
    const letter = known.get(id)?.letter;
    known.delete(id);
    if (letter !== undefined) {
      kept -= 1;
      bytes -= letter.message.data.byteLength;
    }
    if (known.size === kept) fullAt = undefined;
  };
  return {
    all: () =>
      new Map([...known].flatMap(([id, { letter }]) => (letter === undefined ? [] : [[id, letter]]))),
    take: (id, offset, letter) => {
      if (offset < next) {
        const before = known.get(id);
        if (letter === undefined || before?.offset !== offset || before.letter !== undefined) return;
        known.set(id, { offset, letter: keep(letter) });
        return;
      }
      next = offset + 1;
      remove(id);
      if (letter !== undefined) known.set(id, { offset, letter: keep(letter) });
    },
    // Not for each that goes: reading all again has its price.
    outdated: () => fullAt !== undefined && kept <= fullAt / 2,
    rewind: () => {
      fullAt = undefined;
    },
  };
}
