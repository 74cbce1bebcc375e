import { join } from 'node:path';
import { expect } from 'chai';
import { StartupError } from '../../mesh/runtime/startup-error.js';
import { type TemporaryFolder, temporaryFolder } from '../../mesh/testing/temporary-folder.js';
import type { Purchase } from '../workload/history.js';
import { type EndFacts, type FaultRecord, type RunFacts, readHistory, writeHistory } from './history-file.js';

describe('a history', () => {
  let folder: TemporaryFolder;
  let path: string;
  beforeEach(() => {
    folder = temporaryFolder();
    path = join(folder.path, 'history.jsonl');
  });
  afterEach(() => folder.remove());

  const run: RunFacts = {
    seed: 1,
    orders: 1,
    faults: 1,
    duplicates: 0,
    store: 'postgres',
    bus: 'redis',
    ratePerSecond: 1,
    withinMs: 60_000,
    saleProduct: 'rare',
    salePieces: 10,
    startedAt: '2026-01-01T00:00:00Z',
  };
  const end: EndFacts = {
    loadBeganMs: 1,
    healedMs: 2,
    finalMs: 3,
    duplicates: 0,
    generatorLagMs: 1,
    processorsBusy: 0.5,
    tookMs: 9_000,
  };
  const fault: FaultRecord = {
    fault: 'slow edge',
    target: 'order > payment',
    startedMs: 1,
    healedMs: 2,
    touches: ['payment'],
    probed: 'payment',
    tookEffect: true,
    backAtMs: 3,
  };
  const purchase: Purchase = {
    user: 'user',
    key: 'key',
    wanted: [],
    attempts: [],
    orderId: undefined,
    refused: undefined,
    cancelled: false,
    sightings: [],
    last: undefined,
  };

  it('is read as it was written', () => {
    const history = writeHistory(path);
    history.write({ kind: 'run', ...run });
    history.write({ kind: 'fault', ...fault });
    history.write({ kind: 'purchase', arrivedMs: 1, sale: false, ...purchase });
    history.write({ kind: 'end', ...end });
    history.close();
    const read = readHistory(path);
    expect(read.run).to.deep.include(run);
    expect(read.end).to.deep.include(end);
    expect(read.faults).to.have.length(1);
    expect(read.faults[0]).to.deep.include(fault);
    expect(read.purchases[0]).to.deep.include({ ...purchase, arrivedMs: 1, sale: false });
    expect(read.calls).to.deep.equal([]);
  });

  it('that was broken off is refused: it would pass for a short one', () => {
    const history = writeHistory(path);
    history.write({ kind: 'run', ...run });
    history.close();
    expect(() => readHistory(path)).to.throw(/has no end: the run was broken off/);
  });

  it('that is not there, or of another version, is refused in one line', () => {
    expect(() => readHistory(`${path}-none`)).to.throw(StartupError, /can't be read \(ENOENT\)/);
    const { processorsBusy: _, ...older } = end;
    folder.write(
      'history.jsonl',
      `${JSON.stringify({ kind: 'run', ...run })}\n${JSON.stringify({ kind: 'end', ...older })}\n`,
    );
    expect(() => readHistory(path)).to.throw(StartupError, /how busy the processors were/);
  });

  it('with a line that is no JSON is refused, and the line named', () => {
    folder.write('history.jsonl', `${JSON.stringify({ kind: 'run', ...run })}\n{"kind": "pur\n`);
    expect(() => readHistory(path)).to.throw(/line 2 is no JSON/);
  });
});
