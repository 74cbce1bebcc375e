import { expect } from 'chai';
import { virtualClock } from '../../mesh/testing/virtual-clock.js';
import type { PlannedFault } from './faults.js';
import { doHarm } from './harm.js';
import type { HistoryLine } from './history-file.js';
import type { Struck } from './nemesis.js';

describe('harm', () => {
  const setup = (back: number | undefined, signal = new AbortController().signal) => {
    const clock = virtualClock();
    const lines: HistoryLine[] = [];
    const healed = new AbortController();
    const struckAt: number[] = [];
    const fault = (atMs: number): PlannedFault => ({
      kind: 'cut both ways',
      atMs,
      lastsMs: 100,
      service: '',
      edge: undefined,
      back: false,
    });
    const harm = doHarm({
      ...clock,
      plan: [fault(50), fault(200)],
      nemesis: {
        strike: async ({ kind, lastsMs }): Promise<Struck> => {
          const startedMs = clock.clock.monotonicMs();
          struckAt.push(startedMs);
          await clock.timers.sleep(lastsMs, healed.signal).catch(() => undefined);
          const healedMs = clock.clock.monotonicMs();
          return {
            fault: kind,
            target: '',
            startedMs,
            healedMs,
            touches: [],
            probed: 'order',
            tookEffect: true,
          };
        },
        heal: () => healed.abort(),
      },
      probe: { untilBack: async () => back },
      history: { write: (line) => lines.push(line), close: () => undefined },
      signal,
    });
    return { clock, harm, lines, struckAt };
  };

  it('is done at its moments, and told when it is known when traffic was back', async () => {
    const { clock, harm, lines, struckAt } = setup(999);
    await clock.advance(149);
    expect(struckAt).to.deep.equal([50]);
    expect(lines).to.deep.equal([]);
    await clock.advance(1);
    expect(lines).to.have.length(1);
    expect(lines[0]).to.deep.include({ kind: 'fault', startedMs: 50, healedMs: 150, backAtMs: 999 });
    await clock.advance(200);
    await harm.told();
    expect(lines).to.have.length(2);
  });

  it('is healed at once, and the moment told when all of it was', async () => {
    const { clock, harm, lines } = setup(undefined);
    await clock.advance(210);
    const healed = harm.heal();
    await clock.settle();
    expect(await healed).to.equal(210);
    await harm.told();
    expect(lines[1]).to.deep.include({ healedMs: 210, backAtMs: undefined });
  });

  it('that is broken off before it began leaves no promise that nobody listens to', async () => {
    const broken: unknown[] = [];
    const note = (error: unknown) => broken.push(error);
    process.on('unhandledRejection', note);
    try {
      const stop = new AbortController();
      const { clock } = setup(undefined, stop.signal);
      stop.abort(new Error('of the test'));
      await clock.settle();
      await new Promise((resolve) => setImmediate(resolve));
      expect(broken).to.deep.equal([]);
    } finally {
      process.removeListener('unhandledRejection', note);
    }
  });
});
