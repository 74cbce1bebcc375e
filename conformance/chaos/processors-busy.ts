import { cpus } from 'node:os';

/** @returns the share of all processors' time that was used from now until it is called, from 0 to 1. */
export function processorsBusy(): () => number {
  const spent = () =>
    cpus().reduce(
      (sum, { times }) => {
        const all = times.user + times.nice + times.sys + times.irq + times.idle;
        return { all: sum.all + all, idle: sum.idle + times.idle };
      },
      { all: 0, idle: 0 },
    );
  const before = spent();
  return () => {
    const after = spent();
    return 1 - (after.idle - before.idle) / Math.max(1, after.all - before.all);
  };
}
