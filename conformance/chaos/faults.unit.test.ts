import { expect } from 'chai';
import { seededRandom } from '../../mesh/sim/seeded-random.js';
import { serverEdges, serviceEdges } from './edges.js';
import { faultKinds, planFaults } from './faults.js';

describe('a plan of faults', () => {
  const plan = (faults: number, seed = 1) =>
    planFaults({
      random: seededRandom(seed),
      faults,
      withinMs: 100_000,
      services: ['order', 'payment'],
      edges: [...serviceEdges, ...Object.values(serverEdges)],
      kinds: faultKinds,
    });

  it('has as many faults as were asked for, in the order of time, within the time', () => {
    for (const count of [0, 1, 5, 20, 200, 1_000]) {
      const moments = plan(count).map(({ atMs }) => atMs);
      expect(moments).to.have.length(count);
      expect(moments).to.deep.equal([...moments].sort((left, right) => left - right));
      expect(moments.every((atMs) => atMs >= 0 && atMs < 100_000)).to.equal(true);
    }
  });

  it('has every kind, the frequent ones by their weight', () => {
    const kinds = plan(200).map(({ kind }) => kind);
    expect(new Set(kinds)).to.have.all.keys(...faultKinds);
    const count = (wanted: string) => kinds.filter((kind) => kind === wanted).length;
    expect(count('kill -9')).to.be.within(28, 36);
    expect(count('kill -9 of all')).to.equal(1);
  });

  it('is the same for the same seed, and another for another', () => {
    expect(plan(50, 7)).to.deep.equal(plan(50, 7));
    expect(plan(50, 7)).to.not.deep.equal(plan(50, 8));
  });

  it('names a service for what hits a process, and an edge for what hits a link', () => {
    for (const { kind, service, edge, lastsMs } of plan(200)) {
      const onProcess = ['kill -9', 'stop and resume', 'restart'].includes(kind);
      expect(service === '', kind).to.equal(!onProcess);
      expect(edge === undefined, kind).to.equal(onProcess || kind.startsWith('kill'));
      expect(lastsMs > 0, kind).to.equal(!kind.startsWith('kill') && kind !== 'restart');
    }
  });
});
