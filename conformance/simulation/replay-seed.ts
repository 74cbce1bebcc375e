import { shortestPrefix } from './shortest-prefix.js';
import { type SimulationResult, simulate } from './simulate.js';
import { loadShopCode } from './simulated-shop.js';
import { timelineOf } from './timeline.js';

/** What to replay. */
export interface ReplayOptions {
  readonly seed: number;
  readonly orders: number;
  readonly faults: number;
  readonly json: boolean;
}

/**
 * Runs one seed and tells what it came to. A seed that fails is told with the invariant, the order's history, and a short
 * beginning of the run that fails too. Gives the exit code: 1 when an invariant was violated.
 */
export async function replaySeed(options: ReplayOptions, out: (text: string) => void): Promise<number> {
  const { seed, orders, faults, json } = options;
  const code = await loadShopCode();
  const result = await simulate({ code, seed, orders, faults, keepTrace: !json });
  const { violations, traceHash } = result;
  if (json) {
    out(
      `${JSON.stringify({ seed, traceHash, orders: result.orders, faults: result.faults, violations }, null, 2)}\n`,
    );
    return violations.length === 0 ? 0 : 1;
  }
  out(summaryOf(result));
  const [first] = violations;
  if (first === undefined) return 0;
  out(failureText(result));
  out('looking for a shorter run that fails ...\n');
  const prefix = await shortestPrefix({ orders, faults }, async (prefix) => {
    const shorter = await simulate({ code, seed, orders, faults, prefix });
    return shorter.violations.some(({ invariant }) => invariant === first.invariant);
  });
  out(`the first ${prefix.orders} purchases under the first ${prefix.faults} faults are enough\n`);
  return 1;
}

/** A failing run, for people: seed, invariants, and the history of the first order that it is about. */
export function failureText(result: SimulationResult): string {
  const { seed, orders, faults, violations } = result;
  const [first] = violations;
  if (first === undefined) return '';
  const list = violations.slice(0, 10).map((one) => `  ${one.invariant}  ${one.subject} ${one.message}\n`);
  const more = violations.length > 10 ? `  and ${violations.length - 10} more\n` : '';
  return [
    `seed ${seed} violates ${violations.length} invariants:\n`,
    ...list,
    more,
    `\nwhat happened to ${first.subject} (virtual time):\n`,
    timelineOf(result, first),
    `\nagain: meshmart sim --seed ${seed} --orders ${orders} --faults ${faults}\n`,
  ].join('');
}

function summaryOf({
  seed,
  traceHash,
  orders,
  faults,
  states,
  faultsByKind,
  lastedMs,
}: SimulationResult): string {
  const listed = (counts: Readonly<Record<string, number>>) =>
    Object.entries(counts)
      .sort(([, left], [, right]) => right - left)
      .map(([name, count]) => `${count} ${name.toLowerCase()}`)
      .join(', ');
  return [
    `seed ${seed}: ${orders} purchases under ${faults} faults in ${Math.round(lastedMs / 1_000)} s of virtual time\n`,
    `  orders  ${listed(states)}\n`,
    `  faults  ${listed(faultsByKind)}\n`,
    `  trace   ${traceHash}\n`,
  ].join('');
}
