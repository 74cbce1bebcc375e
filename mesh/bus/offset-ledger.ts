/** A place in a partition, as a group commits it. */
export interface CommittedOffset {
  /** Everything before it is dealt with. */
  readonly offset: number;
  /** What is dealt with from there on; see {@link OffsetLedger.mark}. */
  readonly metadata: string;
}

/**
 * What a group has dealt with of one partition. Its messages end out of order, because a key that waits must not hold up
 * the others, while Kafka remembers a single offset: the first that is not dealt with. What is dealt with after it stands
 * in the text that is committed beside it, so that it does not come again.
 */
export interface OffsetLedger {
  /** Takes an offset, in any order. False when it is dealt with, or under way already. */
  begin(offset: number): boolean;
  /** It is dealt with. */
  done(offset: number): void;
  /** What to commit. */
  mark(): CommittedOffset;
  /** Offsets from the first that is not dealt with up to the last that was taken. */
  window(): number;
}

/** Kafka's limit for the text (`offset.metadata.max.bytes`) is 4096. A longer one is left out: then some come again. */
const longestMetadata = 4_000;
const format = 'done:';

/** @param committed what a predecessor left; whatever text that is not ours stands beside it is passed over. */
export function createOffsetLedger(committed: CommittedOffset): OffsetLedger {
  let from = committed.offset;
  let next = from;
  const done = new Set(offsetsIn(committed));
  const open = new Set<number>();
  return {
    begin: (offset) => {
      next = Math.max(next, offset + 1);
      if (offset < from || done.has(offset) || open.has(offset)) return false;
      open.add(offset);
      return true;
    },
    done: (offset) => {
      if (open.delete(offset)) done.add(offset);
    },
    mark: () => {
      let first = next;
      for (const offset of open) if (offset < first) first = offset;
      from = Math.max(from, first);
      for (const offset of done) if (offset < from) done.delete(offset);
      return { offset: from, metadata: metadataOf(from, done) };
    },
    window: () => {
      let first = next;
      for (const offset of open) if (offset < first) first = offset;
      return next - first;
    },
  };
}

/** How many offsets a text says are dealt with. */
export function countDone(committed: CommittedOffset): number {
  return offsetsIn(committed).length;
}

/** One bit for each offset from the committed one on. */
function metadataOf(from: number, done: ReadonlySet<number>): string {
  if (done.size === 0) return '';
  let last = from;
  for (const offset of done) if (offset > last) last = offset;
  const bits = Buffer.alloc(Math.floor((last - from) / 8) + 1);
  for (const offset of done) {
    const at = offset - from;
    const byte = at >> 3;
    bits[byte] = (bits[byte] ?? 0) | (1 << (at & 7));
  }
  const text = format + bits.toString('base64');
  return text.length > longestMetadata ? '' : text;
}

function offsetsIn({ offset, metadata }: CommittedOffset): number[] {
  if (!metadata.startsWith(format) || metadata.length > longestMetadata) return [];
  const bits = Buffer.from(metadata.slice(format.length), 'base64');
  const found: number[] = [];
  for (let at = 0; at < bits.length * 8; at += 1) {
    if (((bits[at >> 3] ?? 0) >> (at & 7)) & 1) found.push(offset + at);
  }
  return found;
}
