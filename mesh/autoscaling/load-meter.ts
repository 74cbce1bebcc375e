import type { OutgoingHttp } from '../runtime/outgoing-http.js';
import type { Ambient, Log } from '../runtime/ports.js';
import { readSample } from './exposition.js';
import type { Instance } from './instances.js';
import { createLoadMemory, type Load } from './load.js';

/** Asks instances how busy they are. */
export interface LoadMeter {
  /** The loads of those that answer, by id. One that does not answer in time is left out. */
  loadsOf(instances: readonly Instance[], signal: AbortSignal): Promise<ReadonlyMap<string, Load>>;
}

export interface LoadMeterOptions {
  readonly ambient: Ambient;
  readonly http: OutgoingHttp;
  readonly log: Log;
  /** How long an instance may take to answer, in milliseconds. Default 2000. */
  readonly answerWithinMs?: number;
}

/** Makes a meter. It asks when it is asked, all instances at once, and remembers what they said before. */
export function createLoadMeter(options: LoadMeterOptions): LoadMeter {
  const { ambient, http, log, answerWithinMs = 2_000 } = options;
  const memory = createLoadMemory({ clock: ambient.clock });
  const loadOf = async ({ id, metricsUrl }: Instance, signal: AbortSignal): Promise<Load> => {
    const { status, body } = await http({ method: 'GET', url: metricsUrl, headers: {}, signal });
    const sample = status === 200 ? readSample(body, ambient.clock.monotonicMs()) : undefined;
    if (sample === undefined) throw new Error(`it answered ${status} and nothing of its load`);
    // Addresses are given away again: one at which another instance answers is another instance.
    return memory.add(`${id} ${metricsUrl.host}`, sample);
  };
  return {
    loadsOf: async (instances, signal) => {
      const late = new AbortController();
      const cancel = ambient.timers.after(answerWithinMs, () =>
        late.abort(new Error(`no answer within ${answerWithinMs} ms`)),
      );
      const either = AbortSignal.any([signal, late.signal]);
      try {
        const loads = await Promise.all(
          instances.map(async (instance) => {
            const load = await loadOf(instance, either).catch((error: unknown) => {
              const problem = error instanceof Error ? error.message : String(error);
              log.warn({ instance: instance.id, problem }, 'an instance does not tell its load');
            });
            return [instance.id, load] as const;
          }),
        );
        return new Map(loads.flatMap(([id, load]) => (load === undefined ? [] : [[id, load] as const])));
      } finally {
        cancel();
      }
    },
  };
}
