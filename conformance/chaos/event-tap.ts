import type { BusMessage } from '../../mesh/bus/bus.js';
import { streamOf } from '../../mesh/bus/redis-streams-log.js';
import { openSharedBus, type SharedBus } from '../../mesh/bus/shared-bus.js';
import type { Ambient, Log } from '../../mesh/runtime/ports.js';
import type { SeededRandom } from '../../mesh/sim/seeded-random.js';
import { openRedis } from '../../mesh/store/redis-connection.js';

/** Listens on the bus, and has it deliver again what it delivered before. */
export interface EventTap {
  /** Delivers one event again: one of the newest, or, late, one of all there were. False when none has come by yet. */
  repeat(late: boolean): Promise<boolean>;
  close(): Promise<void>;
}

export interface EventTapOptions {
  readonly kind: SharedBus;
  /** Of the server itself, not of a proxy: what is repeated shall arrive. */
  readonly address: string;
  /** Topics to the types of their events. */
  readonly topics: Readonly<Record<string, readonly string[]>>;
  readonly ambient: Ambient;
  readonly random: SeededRandom;
  readonly log: Log;
}

/** Taps a bus. */
export function openTap(options: EventTapOptions): Promise<EventTap> {
  return options.kind === 'redis' ? Promise.resolve(tapRedisStreams(options)) : tapBus(options);
}

/** Listens as a consumer does, and publishes what it heard again, under the same id. */
async function tapBus(options: EventTapOptions): Promise<EventTap> {
  const { kind, address, topics, random } = options;
  const bus = await openSharedBus(kind, {
    ...options,
    address,
    passwordFile: undefined,
    name: 'chaos-tap',
    groupsOf: () => ['chaos'],
  });
  const heard: BusMessage[] = [];
  const own = new Map<string, number>();
  await bus.subscribe({
    group: 'chaos',
    topics,
    handle: async ({ attempt: _, ...message }) => {
      const repeats = own.get(message.id) ?? 0;
      if (repeats > 0) own.set(message.id, repeats - 1);
      else heard.push(message);
    },
  });
  return {
    repeat: async (late) => {
      if (heard.length === 0) return false;
      const message = random.pick(late ? heard : heard.slice(-newest));
      own.set(message.id, (own.get(message.id) ?? 0) + 1);
      return bus.publish([message]).then(
        () => true,
        () => false,
      );
    },
    close: () => bus.close(),
  };
}

type Entry = { readonly stream: string; readonly fields: readonly Buffer[] };

const timing = { readEveryMs: 200, atOnce: 1_000 };
/** An event of these is not late. */
const newest = 20;

/** Taps the streams of a bus on Redis: it reads them as they grow, and appends an entry once more, id and all. */
function tapRedisStreams(options: EventTapOptions): EventTap {
  const { ambient, random, log } = options;
  const redis = openRedis({ url: options.address, passwordFile: undefined, log, name: 'chaos-tap' });
  const seen: Entry[] = [];
  const last = new Map(Object.keys(options.topics).map((topic) => [streamOf(topic), '-']));
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
    close: async () => {
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
