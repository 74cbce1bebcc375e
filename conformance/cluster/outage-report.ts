import { writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { rates } from './shop-load.js';

/** What an outage did to customers. */
export interface ToldOutage {
  readonly what: string;
  /** From its beginning until it was undone. */
  readonly lastedMs: number;
  readonly requests: number;
  readonly failed: number;
  /** As `failuresOf` counts them. */
  readonly failures: readonly string[];
  /** From when it was undone to the end of the last request that failed. */
  readonly wellAfterMs: number;
}

/** Kinds of failures that are told one by one. */
const toldKinds = 20;

/** What failed, as a list: the most frequent kinds, and how much there was of the others. */
export function failureLines(failures: readonly string[]): string[] {
  if (failures.length === 0) return ['- nothing failed'];
  const others = failures.slice(toldKinds);
  // Each begins with how many there were.
  const count = others.reduce((sum, line) => sum + Number.parseInt(line, 10), 0);
  return [
    ...failures.slice(0, toldKinds).map((line) => `- ${line}`),
    ...(others.length === 0 ? [] : [`- ${count} more, of ${others.length} other kind(s)`]),
  ];
}

/** Writes the page for people. */
export function writeOutages(
  file: string,
  outages: readonly ToldOutage[],
  { purchases, shipped }: { readonly purchases: number; readonly shipped: number },
): void {
  const seconds = (ms: number) => (ms / 1_000).toFixed(1);
  const rows = outages.map(
    ({ what, lastedMs, requests, failed, wellAfterMs }) =>
      `| ${what} | ${seconds(lastedMs)} | ${requests} | ${failed} | ${seconds(wellAfterMs)} |`,
  );
  const details = outages.flatMap(({ what, failures }) => ['', `**${what}**`, '', ...failureLines(failures)]);
  writeFileSync(
    file,
    [
      '# Outages on the cluster',
      '',
      'Written by `MESHMART_CLUSTER_REPORT=docs/reports/cluster.md make verify-cluster`. The istio profile, one pod a service, on one node with',
      `${cpus().length} cores and ${Math.round(totalmem() / 2 ** 30)} GiB; ${rates.readsPerSecond} reads and ${rates.purchasesPerSecond} purchase(s) a second arrive whatever becomes of them, and reads are not`,
      'repeated. The witnesses (card processor, mail sink) stand for the world outside and are left alone.',
      '',
      `No acknowledged order was lost, none made or charged twice: ${purchases} purchases, ${shipped} of them shipped.`,
      '',
      '| what | lasted, s | requests | failed | last failure after it was undone, s |',
      '|---|---|---|---|---|',
      ...rows,
      '',
      'What failed meanwhile, most frequent first:',
      ...details,
      '',
    ].join('\n'),
  );
}
