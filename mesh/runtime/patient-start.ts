import { MeshError } from '../contract/error.js';
import type { Ambient, Log } from './ports.js';

/** In milliseconds: bound and pauses. Together with the opening of a store it ends before a supervisor loses patience. */
const patience = { withinMs: 10_000, firstPauseMs: 50, longestPauseMs: 1_000 };

/**
 * Does what a service begins with, such as planting its seed, again while what it needs is away: an instance waits for its
 * database as it waits for the bus, rather than end.
 * @param start may be done again after it has failed.
 * @throws what `start` throws, when that is not UNAVAILABLE, or still is after ten seconds.
 */
export async function startPatiently(
  start: () => Promise<void>,
  { clock, timers, random }: Ambient,
  log: Log,
): Promise<void> {
  const untilMs = clock.monotonicMs() + patience.withinMs;
  for (let pauseMs = patience.firstPauseMs; ; pauseMs = Math.min(patience.longestPauseMs, 2 * pauseMs)) {
    try {
      return await start();
    } catch (error) {
      const away = MeshError.is(error) && error.code === 'UNAVAILABLE';
      if (!away || clock.monotonicMs() + pauseMs >= untilMs) throw error;
      log.warn({ error: error.message }, 'the service can not begin yet: it is tried again');
    }
    // Instances that start together do not come back together.
    await timers.sleep(pauseMs * (0.5 + random.next() / 2));
  }
}
