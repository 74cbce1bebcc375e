import { streamOf } from '../../mesh/bus/redis-streams-log.js';
import type { Ambient, Log } from '../../mesh/runtime/ports.js';
import type { SeededRandom } from '../../mesh/sim/seeded-random.js';
import { openRedis } from '../../mesh/store/redis-connection.js';

/** Listens on the bus, and has it deliver again what it delivered before. */
export interface EventTap {
  /** Delivers one event again: one of the newest, or, late, one of all there were. False when none has come by yet. */
  repeat(late: boolean): Promise<boolean>;
  close(): void;
}

export interface EventTapOptions {
  /** Of the Redis itself, not of a proxy: what is repeated shall arrive. */
  readonly redisUrl: string;
  readonly topics: readonly string[];
  readonly ambient: Ambient;
  readonly random: SeededRandom;
  readonly log: Log;
}

type Entry = { readonly stream: string; readonly fields: readonly Buffer[] };

const timing = { readEveryMs: 200, atOnce: 1_000 };
/** An event of these is not late. */
const newest = 20;

/** Taps the streams of a bus on Redis: it reads them as they grow, and appends an entry once more, id and all. */
export function tapRedisStreams(options: EventTapOptions): EventTap {
  const { ambient, random, log } = options;
  const redis = openRedis({ url: options.redisUrl, passwordFile: undefined, log, name: 'chaos-tap' });
  const seen: Entry[] = [];
  const last = new Map(options.topics.map((topic) => [streamOf(topic), '-']));
  const repeated = new Set<string>();
  let open = true;
  const read = async () => {
    for (const [stream, from] of last) {
      const range = from === '-' ? '-' : `(${from}`;
      const entries = await redis.xrangeBuffer(stream, range, '+', 'COUNT', timing.atOnce);
      for (const [id, fields] of entries as unknown as [Buffer, Buffer[]][]) {
        last.set(stream, id.toString());
        // What this tap has appended itself is not new.
        if (!repeated.delete(`${stream} ${id.toString()}`)) seen.push({ stream, fields });
      }
    }
  };
  const readOn = async () => {
    while (open) {
      // While Redis is away nothing is there to be read.
      await read().catch(() => undefined);
      await ambient.timers.sleep(timing.readEveryMs);
    }
  };
  void readOn();
  return {
    repeat: async (late) => {
      if (seen.length === 0) return false;
      const entry = late ? random.pick(seen) : random.pick(seen.slice(-newest));
      try {
        const id = await redis.xadd(entry.stream, '*', ...entry.fields);
        repeated.add(`${entry.stream} ${id ?? ''}`);
        return true;
      } catch {
        return false;
      }
    },
    close: () => {
      open = false;
      redis.disconnect();
    },
  };
}

/**
 * Has events delivered again, as many as are wanted, spread over a time; every other one late.
 * @returns how many were, which is fewer when the bus was away too long.
 */
export async function repeatEvents(
  tap: EventTap,
  wanted: number,
  withinMs: number,
  { clock, timers }: Pick<Ambient, 'clock' | 'timers'>,
  signal: AbortSignal,
): Promise<number> {
  const beganMs = clock.monotonicMs();
  // What was missed while the bus was away is made up for, for as long again at most.
  const giveUpMs = beganMs + 2 * withinMs;
  let repeated = 0;
  while (repeated < wanted && !signal.aborted && clock.monotonicMs() < giveUpMs) {
    const due = Math.min(wanted, (wanted * (clock.monotonicMs() - beganMs)) / withinMs);
    while (repeated < due && (await tap.repeat(repeated % 2 === 1))) repeated += 1;
    await timers.sleep(50);
  }
  return repeated;
}
