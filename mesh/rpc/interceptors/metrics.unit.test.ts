import { expect } from 'chai';
import { MeshError } from '../../contract/error.js';
import { virtualClock } from '../../testing/virtual-clock.js';
import { oneCall, through } from '../one-call.test.js';
import { metricsInterceptor } from './metrics.js';

function meter() {
  const clock = virtualClock();
  const seen: unknown[][] = [];
  let flying = 0;
  const interceptor = metricsInterceptor(
    'server',
    {
      observe: (...fields) => void seen.push(fields),
      inFlight: (_side, _path, change) => {
        flying += change;
      },
    },
    clock.clock,
  );
  return { clock, seen, interceptor, flying: () => flying };
}

const path = '/test.echo.v1.EchoService/Say';

describe('the metrics interceptor', () => {
  it('counts a call with its code and its seconds, and in flight meanwhile', async () => {
    const { clock, seen, interceptor, flying } = meter();
    await through(interceptor, oneCall(), async () => {
      expect(flying()).to.equal(1);
      await clock.advance(250);
      return new Uint8Array();
    });
    expect([seen, flying()]).to.deep.equal([[['server', path, 'OK', 0.25]], 0]);
  });

  it('counts a failure by its code', async () => {
    const { seen, interceptor, flying } = meter();
    await through(interceptor, oneCall(), () =>
      Promise.reject(new MeshError({ code: 'ABORTED', reason: 'CONFLICT', message: '' })),
    );
    await through(interceptor, oneCall(), () => Promise.reject(new TypeError('oops')));
    expect(seen.map((fields) => fields[2])).to.deep.equal(['ABORTED', 'INTERNAL']);
    expect(flying()).to.equal(0);
  });

  it('counts a stream when it ends', async () => {
    const { seen, interceptor, flying } = meter();
    const { answer } = await through(interceptor, oneCall(), async () =>
      (async function* () {
        yield new Uint8Array();
      })(),
    );
    expect([seen.length, flying()]).to.deep.equal([0, 1]);
    for await (const _ of answer as AsyncIterable<Uint8Array>);
    expect([seen.length, flying()]).to.deep.equal([1, 0]);
  });
});
