import type { Verdict } from './verdict.js';

/** The verdict as a page of Markdown: what docs/reports/chaos.md is, and what a person reads in the terminal. */
export function verdictText(verdict: Verdict, machine: string): string {
  const { run, invariants, goals, faults, states, calls, acknowledged } = verdict;
  const ids = invariants.map(({ invariant }) => invariant).filter((id) => id !== 'I14');
  const lines = [
    '# What became of orders while processes died',
    '',
    `Made by \`meshmart chaos --orders ${run.orders} --faults ${run.faults} --duplicates ${run.duplicates} --seed ${run.seed} --store ${run.store} --bus ${run.bus}\` on ${machine}.`,
    `${run.orders} purchases in an open loop at ${run.ratePerSecond} a second, ${run.faults} faults, ${run.duplicates} events delivered again; ${Math.round(verdict.lastedMs / 1_000)} s, processors ${Math.round(verdict.processorsBusy * 100)} % busy.`,
    'The verdict comes from what clients saw, the ledger of the card processor, the mails, and the public API.',
    '',
    `**${headline(verdict)}**`,
    '',
    '| | invariant | looked at | violations | at 95 %, of all at most |',
    '|---|---|---:|---:|---:|',
    ...invariants.map(
      ({ invariant, what, checked, violations, atMost }) =>
        `| ${invariant} | ${what} | ${checked} | ${violations} | ${atMost === undefined || invariant === 'I14' ? '' : shareText(atMost)} |`,
    ),
    '',
    'None among N looked at means at most 3/N, with 95 % confidence (the rule of three).',
    '',
    '| goal | measured | |',
    '|---|---|---|',
    ...goals.map(
      ({ goal, measured, reached, judged }) =>
        `| ${goal} | ${measured} | ${reached ? 'reached' : judged ? 'MISSED' : 'not judged: the machine had no time left'} |`,
    ),
    '',
    'Each row: the faults of a kind; what went on while they lasted and until traffic was back; the time from healing (from',
    'the kill, where there is nothing to heal) until a call went well that needs the part that was hit, where no other fault came',
    'in between; violations about those purchases.',
    '',
    `| fault | struck | took effect | purchases under way | calls ok | refused | unknown | back p50, ms | back p95 | of | ${ids.join(' | ')} |`,
    `|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|${ids.map(() => '---:').join('|')}|`,
    ...faults.map(
      (row) =>
        `| ${row.fault} | ${row.struck} | ${row.tookEffect} | ${row.purchases} | ${row.calls.ok} | ${row.calls.fail} | ${row.calls.info} | ${row.backMs.p50Ms} | ${row.backMs.p95Ms} | ${row.backMs.count} | ${ids.map((id) => row.violations[id] ?? 0).join(' | ')} |`,
    ),
    '',
    `Orders: ${Object.entries(states)
      .map(([state, count]) => `${count} ${state}`)
      .join(
        ', ',
      )}. Calls: ${calls.ok} ok, ${calls.fail} refused, ${calls.info} of unknown outcome, asked again with the same key until known.`,
    `From a buyer's arrival to the first answer about the order: p50 ${acknowledged.p50Ms} ms, p95 ${acknowledged.p95Ms} ms, p99 ${acknowledged.p99Ms} ms.`,
    '',
  ];
  const { violations } = verdict;
  if (violations.length > 0)
    lines.push(
      ...violations
        .slice(0, 50)
        .map(({ invariant, subject, message }) => `- ${invariant} ${subject} ${message}`),
      ...(violations.length > 50 ? [`- and ${violations.length - 50} more`] : []),
      '',
    );
  return lines.join('\n');
}

function shareText(share: number): string {
  return share >= 0.001 ? `${(share * 100).toFixed(2)} %` : `${(share * 1e6).toFixed(0)} of a million`;
}

function headline({ valid, violations, goals }: Verdict): string {
  if (!valid) return `NOT VALID: ${violations.length} violations.`;
  return goals.every(({ reached }) => reached)
    ? 'No invariant was violated, and every goal was reached.'
    : 'No invariant was violated, and every goal was reached that could be judged on this machine.';
}
