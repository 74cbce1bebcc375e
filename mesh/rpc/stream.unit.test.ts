import { getEventListeners } from 'node:events';
import { expect } from 'chai';
import { cancelled } from './deadline.js';
import { isStream, mapStream, onEnd, untilAborted } from './stream.js';

const bytes = (n: number) => new Uint8Array([n]);

/** Bytes 1 to `count`; says how it was left. */
function source(count: number, failure?: Error) {
  const seen = { started: 0, closed: 0 };
  async function* items() {
    seen.started += 1;
    try {
      for (let n = 1; n <= count; n += 1) yield bytes(n);
      if (failure !== undefined) throw failure;
    } finally {
      seen.closed += 1;
    }
  }
  return { seen, stream: items() };
}

async function all<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of stream) items.push(item);
  return items;
}

describe('a stream', () => {
  it('is told from a single message', () => {
    expect([isStream(bytes(1)), isStream(Buffer.from('a')), isStream(source(1).stream)]).to.deep.equal([
      false,
      false,
      true,
    ]);
  });

  it('is changed item by item, and closed when the change fails', async () => {
    expect(await all(mapStream(source(3).stream, (item) => (item[0] ?? 0) * 2))).to.deep.equal([2, 4, 6]);
    const { seen, stream } = source(3);
    const failing = mapStream(stream, () => {
      throw new RangeError('no');
    });
    expect(await all(failing).catch((error: unknown) => error)).to.be.instanceOf(RangeError);
    expect(seen.closed).to.equal(1);
  });
});

describe('the end of a body', () => {
  const watch = () => {
    const ends: unknown[] = [];
    return { ends, ended: (failure: unknown) => void ends.push(failure) };
  };

  it('is now for a single message', () => {
    const { ends, ended } = watch();
    const body = bytes(1);
    expect(onEnd(body, ended)).to.equal(body);
    expect(ends).to.deep.equal([undefined]);
  });

  it('is told once for a stream that is read to its end', async () => {
    const { ends, ended } = watch();
    const body = onEnd(source(2).stream, ended) as AsyncIterable<Uint8Array>;
    expect(ends).to.deep.equal([]);
    expect(await all(body)).to.have.length(2);
    expect(ends).to.deep.equal([undefined]);
  });

  it('is told with what the stream failed with', async () => {
    const { ends, ended } = watch();
    const failed = new Error('broken');
    const body = onEnd(source(1, failed).stream, ended) as AsyncIterable<Uint8Array>;
    expect(await all(body).catch((error: unknown) => error)).to.equal(failed);
    expect(ends).to.deep.equal([failed]);
  });

  it('is told once for a stream that is left early, which is closed', async () => {
    const { ends, ended } = watch();
    const { seen, stream } = source(9);
    for await (const _ of onEnd(stream, ended) as AsyncIterable<Uint8Array>) break;
    expect([ends, seen.closed]).to.deep.equal([[undefined], 1]);
  });
});

describe('a stream until a signal ends', () => {
  it('passes on everything meanwhile, and leaves no listener', async () => {
    const { signal } = new AbortController();
    expect(await all(untilAborted(source(3).stream, signal))).to.have.length(3);
    expect(getEventListeners(signal, 'abort')).to.have.length(0);
  });

  it('fails with the reason even while its source hangs, and closes the source', async () => {
    const caller = new AbortController();
    let closed = false;
    const hanging: AsyncIterable<Uint8Array> = {
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise<never>(() => undefined),
        return: () => {
          closed = true;
          return new Promise<never>(() => undefined);
        },
      }),
    };
    const reading = all(untilAborted(hanging, caller.signal)).catch((error: unknown) => error);
    const reason = cancelled('/test/Call');
    caller.abort(reason);
    expect(await reading).to.equal(reason);
    expect(closed).to.equal(true);
    expect(getEventListeners(caller.signal, 'abort')).to.have.length(0);
  });

  it('gives nothing once the signal has ended', async () => {
    const reason = cancelled('/test/Call');
    const reading = all(untilAborted(source(3).stream, AbortSignal.abort(reason)));
    expect(await reading.catch((error: unknown) => error)).to.equal(reason);
  });

  it('passes on what its source fails with', async () => {
    const failed = new Error('broken');
    const reading = all(untilAborted(source(1, failed).stream, new AbortController().signal));
    expect(await reading.catch((error: unknown) => error)).to.equal(failed);
  });
});
