import { eventually } from '../../mesh/testing/eventually.js';

/**
 * Asks again until it is answered, for preparing a run and for gathering what came of it: a machine that is busy may be too
 * slow for the shop's deadlines now and then. Only for what may be asked twice.
 * @throws Error with the last failure after half a minute.
 */
export function patiently<T>(what: string, ask: () => Promise<T>): Promise<Exclude<T, false>> {
  return eventually(ask, { withinMs: 30_000, everyMs: 200, what });
}
