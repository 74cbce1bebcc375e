import { getEventListeners } from 'node:events';
import { expect } from 'chai';
import fc from 'fast-check';
import { MeshError } from '../contract/error.js';
import { virtualClock } from '../testing/virtual-clock.js';
import {
  cancelled,
  childDeadline,
  deadlineExceeded,
  deadlineSignal,
  orAborted,
  servedDeadline,
} from './deadline.js';

const moment = fc.integer({ min: 0, max: 4_000_000_000_000 });
const span = fc.integer({ min: 0, max: 3_600_000 });

describe('the deadline of a nested call', () => {
  it('is never later than its parent has, nor than it allows itself, and is one of the two', () => {
    fc.assert(
      fc.property(moment, moment, span, (nowMs, parentMs, ownMs) => {
        const deadlineMs = childDeadline(nowMs, parentMs, ownMs);
        expect(deadlineMs).to.be.at.most(parentMs);
        expect(deadlineMs).to.be.at.most(nowMs + ownMs);
        expect([parentMs, nowMs + ownMs]).to.include(deadlineMs);
      }),
    );
  });

  it('only gets earlier along a chain of calls', () => {
    fc.assert(
      fc.property(moment, fc.array(span, { minLength: 1, maxLength: 8 }), (nowMs, spans) => {
        let deadlineMs = Number.POSITIVE_INFINITY;
        for (const ownMs of spans) {
          const child = childDeadline(nowMs, deadlineMs, ownMs);
          expect(child).to.be.at.most(deadlineMs);
          deadlineMs = child;
        }
        expect(deadlineMs).to.equal(nowMs + Math.min(...spans));
      }),
    );
  });
});

describe('the deadline that a server keeps', () => {
  const contractMs = 2_000;
  const served = (
    kind: 'unary' | 'server_streaming' | 'client_streaming' | 'bidi_streaming',
    sentMs: number,
  ) => servedDeadline(0, sentMs, { kind, deadlineMs: contractMs });

  it("of a unary call is what the caller sent, and never later than the contract's", () => {
    expect(served('unary', 500)).to.equal(500);
    expect(served('unary', 60_000)).to.equal(contractMs);
    expect(served('unary', Number.POSITIVE_INFINITY)).to.equal(contractMs);
    fc.assert(
      fc.property(moment, moment, span, (nowMs, sentMs, deadlineMs) => {
        const keptMs = servedDeadline(nowMs, sentMs, { kind: 'unary', deadlineMs });
        expect(keptMs).to.equal(Math.min(sentMs, nowMs + deadlineMs));
      }),
    );
  });

  for (const kind of ['server_streaming', 'client_streaming', 'bidi_streaming'] as const) {
    it(`of a ${kind} call is what the caller sent, up to an hour, and without that the contract's`, () => {
      expect(served(kind, 500)).to.equal(500);
      expect(served(kind, 60_000)).to.equal(60_000);
      expect(served(kind, 1e9)).to.equal(3_600_000);
      expect(served(kind, Number.POSITIVE_INFINITY)).to.equal(contractMs);
    });
  }
});

describe('a deadline signal', () => {
  const open = (leftMs: number, parent = new AbortController()) => {
    const world = virtualClock();
    const ending = deadlineSignal(world, parent.signal, world.clock.nowMs() + leftMs, '/test/Call');
    return { world, parent, ending };
  };
  const left = ({ world, parent }: ReturnType<typeof open>) => [
    world.pendingTimers(),
    getEventListeners(parent.signal, 'abort').length,
  ];

  it('ends at the deadline, not before', async () => {
    const { world, ending } = open(100);
    await world.advance(99);
    expect(ending.signal.aborted).to.equal(false);
    await world.advance(1);
    expect(ending.signal.reason).to.include({ code: 'DEADLINE_EXCEEDED', reason: 'DEADLINE_EXCEEDED' });
  });

  it('ends with its parent, for the same reason if that is an error of the mesh', () => {
    const { parent, ending } = open(100);
    const reason = deadlineExceeded('/test/Parent');
    parent.abort(reason);
    expect(ending.signal.reason).to.equal(reason);
    const plain = open(100);
    plain.parent.abort();
    expect(plain.ending.signal.reason).to.include({ code: 'CANCELLED', reason: 'CANCELLED' });
  });

  it('has ended from the start when its time is over or its parent has ended', () => {
    expect(open(0).ending.signal.reason).to.include({ code: 'DEADLINE_EXCEEDED' });
    expect(open(-5).ending.signal.aborted).to.equal(true);
    const gone = new AbortController();
    gone.abort();
    expect(open(100, gone).ending.signal.reason).to.include({ code: 'CANCELLED' });
  });

  it('leaves neither timer nor listener behind, however it ends', async () => {
    const disposed = open(100);
    disposed.ending.dispose();
    disposed.ending.dispose();
    expect(left(disposed)).to.deep.equal([0, 0]);

    const late = open(100);
    await late.world.advance(100);
    late.ending.dispose();
    expect(left(late)).to.deep.equal([0, 0]);

    const given = open(100);
    given.parent.abort();
    given.ending.dispose();
    expect(left(given)).to.deep.equal([0, 0]);
  });

  it('does not end any more once it was disposed of', async () => {
    const { world, parent, ending } = open(100);
    ending.dispose();
    await world.advance(1_000);
    parent.abort();
    expect(ending.signal.aborted).to.equal(false);
  });
});

describe('work that is given up when a signal ends', () => {
  const never = new Promise<never>(() => undefined);

  it('gives its answer, or what it failed with', async () => {
    const { signal } = new AbortController();
    expect(await orAborted(Promise.resolve(7), signal)).to.equal(7);
    const failed = new RangeError('no');
    expect(await orAborted(Promise.reject(failed), signal).catch((error: unknown) => error)).to.equal(failed);
    expect(getEventListeners(signal, 'abort')).to.have.length(0);
  });

  it('is left alone when it hangs', async () => {
    const caller = new AbortController();
    const answer = orAborted(never, caller.signal).catch((error: unknown) => error);
    caller.abort(cancelled('/test/Call'));
    expect(MeshError.from(await answer).code).to.equal('CANCELLED');
    expect(getEventListeners(caller.signal, 'abort')).to.have.length(0);
  });

  it('may fail afterwards without anybody hearing of it', async () => {
    const unheard: unknown[] = [];
    const listen = (reason: unknown) => unheard.push(reason);
    const others = process.listeners('unhandledRejection');
    process.removeAllListeners('unhandledRejection').on('unhandledRejection', listen);
    try {
      for (const signal of [AbortSignal.abort(cancelled('/test/Call')), AbortSignal.timeout(1)]) {
        let fail: (error: Error) => void = () => undefined;
        const work = new Promise<never>((_, reject) => {
          fail = reject;
        });
        await orAborted(work, signal).catch(() => undefined);
        fail(new Error('too late'));
        await new Promise((resolve) => setImmediate(resolve));
      }
    } finally {
      process.off('unhandledRejection', listen);
      for (const other of others) process.on('unhandledRejection', other);
    }
    expect(unheard).to.deep.equal([]);
  });
});
