import type { Environment } from '../../runtime/setting.js';
import { StartupError } from '../../runtime/startup-error.js';
import { httpUrlOf } from './server-kind.js';

const answerWithinMs = 3_000;

/**
 * Checks the addresses that spans are to be sent to, where the environment names them: later nobody would notice, because
 * the shop goes on without its traces.
 * @throws StartupError for what is no URL, and where nobody listens.
 */
export async function requireCollectors(environment: Environment): Promise<void> {
  for (const variable of ['OTEL_EXPORTER_OTLP_ENDPOINT', 'OTEL_EXPORTER_JAEGER_ENDPOINT']) {
    const given = environment[variable];
    if (given === undefined || given === '') continue;
    const url = httpUrlOf(variable, given);
    try {
      // Whatever it answers: a collector takes spans by POST, and need not know what to say to anything else.
      const answer = await fetch(url, { signal: AbortSignal.timeout(answerWithinMs) });
      await answer.body?.cancel();
    } catch (cause) {
      throw new StartupError(
        `${variable} is '${given}', and nobody answers there`,
        `start the collector, or leave ${variable} empty`,
        { cause },
      );
    }
  }
}
