import { cpus, totalmem } from 'node:os';
import type { Spread } from './statistics.js';

/** One line of the report. */
export interface Figure {
  readonly what: string;
  readonly unit: string;
  readonly spread: Spread;
  /** What it should be, if there is a goal. */
  readonly goal?: string;
}

/** The report as Markdown: the machine, then a table. */
export function reportOf(figures: readonly Figure[]): string {
  const digits = (value: number) => value.toFixed(value >= 100 ? 0 : value >= 10 ? 1 : 2);
  const rows = figures.map(
    ({ what, unit, spread, goal }) =>
      `| ${what} | ${unit} | ${digits(spread.min)} | **${digits(spread.median)}** | ${digits(spread.p99)} | ${digits(spread.max)} | ${spread.count} | ${goal ?? ''} |`,
  );
  const [cpu] = cpus();
  return `# What the shop costs

Made by \`make bench\`, in one process where nothing else is said. ${cpus().length} cores (${cpu?.model.trim() ?? 'unknown'}), ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}, ${process.platform}.
The buyers run on the same cores as the shop. Machines differ and are noisy: compare figures of one run, not of two.

| what | unit | min | median | p99 | max | count | goal |
|---|---|---:|---:|---:|---:|---:|---|
${rows.join('\n')}
`;
}
