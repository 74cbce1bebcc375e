import type { IncomingMessage } from 'node:http';
import type { Log } from '../runtime/ports.js';
import { type ConsulAccess, type ConsulClient, openConsul } from './consul-client.js';
import { maxInstances, readEntry } from './consul-entry.js';
import { type ListSink, type ResolverOptions, resolverOf } from './list-source.js';
import type { Endpoint, Resolver } from './resolver.js';

export interface ConsulResolverOptions extends ResolverOptions, ConsulAccess {}

/** A blocking query waits for so long in Consul; then it is asked again. A Consul that hangs is noticed soon after. */
const wait = { forMs: 10_000, answeredWithinMs: 12_000 };

/** Pauses after failures: doubled from the first to the last, and spread by a fifth. */
const pause = { firstMs: 100, lastMs: 2_000, spread: 0.2 };

/**
 * Follows services by Consul's blocking queries for instances whose checks pass.
 * @throws StartupError for a wrong address, or a token file that can't be read.
 */
export function createConsulResolver(options: ConsulResolverOptions): Resolver {
  // A wrong setting is told at once, not by the first watch.
  openConsul(options, options.ambient);
  return resolverOf((service, sink) => {
    // Each with a client of its own, since the pace is held for each client.
    const consul = openConsul(options, options.ambient);
    return follow(service, sink, consul, options);
  }, options);
}

function follow(
  service: string,
  sink: ListSink,
  consul: ConsulClient,
  { ambient, log }: ConsulResolverOptions,
): () => void {
  let stopped = false;
  let failures = 0;
  let lastIndex = 0n;
  let endWatch = () => {};
  let cancelPause = () => {};
  const noted = { text: '' };

  const begin = () => {
    const failed = (problem: string) => {
      if (stopped) return;
      failures += 1;
      sink.away(problem);
      endWatch();
      cancelPause();
      cancelPause = ambient.timers.after(pauseAfter(failures, ambient.random.next()), begin);
    };
    let access: { token?: string };
    try {
      access = consul.access();
    } catch (error) {
      failed(messageOf(error));
      return;
    }
    const watch = consul.api.watch({
      method: consul.api.health.service,
      options: {
        service,
        passing: 'true',
        wait: `${wait.forMs}ms`,
        timeout: `${wait.answeredWithinMs}ms`,
        ...access,
      },
      // One failure ends it: the package would go on with an index that may be of another life of Consul's, and gives
      // up for good on some failures.
      maxAttempts: 0,
    });
    endWatch = () => watch.end();
    watch.on('error', (error: unknown) => failed(messageOf(error)));
    watch.on('change', (entries: unknown, response: IncomingMessage) => {
      if (stopped || !watch.isRunning()) return;
      if (!Array.isArray(entries)) {
        failed('its answer is not a list');
        return;
      }
      const index = BigInt(String(response.headers['x-consul-index']));
      if (index < lastIndex) sink.away('its index went backwards: it began anew');
      lastIndex = index;
      failures = 0;
      sink.heard(endpointsOf(service, entries, log, noted));
    });
  };
  begin();
  return () => {
    stopped = true;
    cancelPause();
    endWatch();
  };
}

/** The entries that can be dialled. The others are told of once, as long as they are the same. */
function endpointsOf(
  service: string,
  entries: readonly unknown[],
  log: Log,
  noted: { text: string },
): Endpoint[] {
  const read = entries.slice(0, maxInstances).map((entry) => readEntry(service, entry));
  const problems = read.flatMap((entry) =>
    entry.problem === undefined ? [] : [`${entry.instanceId || 'one'}: ${entry.problem}`],
  );
  if (entries.length > maxInstances) problems.push(`more than ${maxInstances} instances`);
  const text = problems.slice(0, 5).join('; ');
  if (text !== '' && text !== noted.text)
    log.warn({ service, problems: text, count: problems.length }, 'entries of the registry were left out');
  noted.text = text;
  return read.flatMap(({ endpoint }) => (endpoint === undefined ? [] : [endpoint]));
}

/** Milliseconds. @param chance a number in [0, 1). */
export function pauseAfter(failures: number, chance: number): number {
  const { firstMs, lastMs, spread } = pause;
  const middleMs = Math.min(lastMs, firstMs * 2 ** Math.min(failures - 1, 30));
  return middleMs * (1 + spread * (2 * chance - 1));
}

function messageOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).slice(0, 200);
}
