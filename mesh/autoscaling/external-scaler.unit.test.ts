import { expect } from 'chai';
import { invalidField, MeshError } from '../contract/error.js';
import { testContext } from '../testing/test-context.js';
import { virtualClock } from '../testing/virtual-clock.js';
import { externalScaler } from './external-scaler.js';
import type { Load } from './load.js';

type Asked = { name: string; namespace: string; scalerMetadata: Record<string, string> };
interface Handlers {
  isActive(asked: Asked, context: unknown): Promise<{ result: boolean }>;
  streamIsActive(asked: Asked, context: unknown): AsyncIterable<{ result: boolean }>;
  getMetricSpec(asked: Asked, context: unknown): Promise<{ metricSpecs: unknown[] }>;
  getMetrics(
    request: { scaledObjectRef: Asked; metricName: string },
    context: unknown,
  ): Promise<{ metricValues: { metricValue: bigint; metricValueFloat: number }[] }>;
}

const about = (scalerMetadata: Record<string, string> = { service: 'catalog' }): Asked => ({
  name: 'catalog',
  namespace: 'shop',
  scalerMetadata,
});

/** A scaler among instances `a`, `b`, ... that are so busy; null is one that does not tell. */
function scaler(...busy: readonly (number | null)[]) {
  const world = virtualClock();
  let inFlight = busy;
  const { handlers } = externalScaler({
    instances: {
      ofService: async (service) => {
        if (service !== 'catalog') throw invalidField('service', 'in', 'there is only one');
        return inFlight.map((_, index) => ({
          id: String.fromCharCode(97 + index),
          metricsUrl: new URL('http://127.0.0.1:1/metrics'),
        }));
      },
    },
    meter: {
      loadsOf: async (instances) =>
        new Map(
          instances.flatMap(({ id }, index) => {
            const requestsInFlight = inFlight[index] ?? undefined;
            const load: Load | undefined =
              requestsInFlight === undefined
                ? undefined
                : { requestsInFlight, eventLoopLagMs: 10, windowMs: 1 };
            return load === undefined ? [] : [[id, load] as const];
          }),
        ),
    },
    timers: world.timers,
    lookEveryMs: 1_000,
  });
  return {
    handlers: handlers as unknown as Handlers,
    world,
    becomes: (...next: readonly (number | null)[]) => {
      inFlight = next;
    },
  };
}

describe('the external scaler', () => {
  const context = testContext();

  it('sums up what instances have, and rounds up for those who want whole numbers', async () => {
    const { handlers } = scaler(1.5, 2.25);
    const { metricValues } = await handlers.getMetrics(
      { scaledObjectRef: about(), metricName: 'requests_in_flight' },
      context,
    );
    expect(metricValues).to.deep.equal([
      { metricName: 'requests_in_flight', metricValue: 4n, metricValueFloat: 3.75 },
    ]);
  });

  it('takes an instance that does not tell its load to be as busy as the others', async () => {
    const { handlers } = scaler(4, null, 2);
    const { metricValues } = await handlers.getMetrics(
      { scaledObjectRef: about(), metricName: 'requests_in_flight' },
      context,
    );
    expect(metricValues[0]?.metricValueFloat).to.equal(9);
  });

  it('says that it does not know when no instance tells', async () => {
    const { handlers } = scaler(null, null);
    const failure = await handlers
      .getMetrics({ scaledObjectRef: about(), metricName: 'event_loop_lag_ms' }, context)
      .catch((error: unknown) => error);
    expect(MeshError.from(failure)).to.include({ code: 'UNAVAILABLE' });
  });

  it('gives each metric its target: what the trigger says, or the usual', async () => {
    const { handlers } = scaler(1);
    expect(await handlers.getMetricSpec(about(), context)).to.deep.equal({
      metricSpecs: [
        { metricName: 'requests_in_flight', targetSize: 8n, targetSizeFloat: 8 },
        { metricName: 'event_loop_lag_ms', targetSize: 50n, targetSizeFloat: 50 },
      ],
    });
    const asked = about({ service: 'catalog', requestsInFlight: '2.5', eventLoopLagMs: '100' });
    expect(await handlers.getMetricSpec(asked, context)).to.deep.equal({
      metricSpecs: [
        { metricName: 'requests_in_flight', targetSize: 3n, targetSizeFloat: 2.5 },
        { metricName: 'event_loop_lag_ms', targetSize: 100n, targetSizeFloat: 100 },
      ],
    });
  });

  for (const [what, ask, message] of [
    ['no service', (h: Handlers) => h.getMetricSpec(about({}), context), /which service is meant/],
    [
      'a target that is no number',
      (h: Handlers) => h.getMetricSpec(about({ service: 'catalog', requestsInFlight: 'many' }), context),
      /requestsInFlight.*'many' is no number above 0/,
    ],
    [
      'a target of nothing',
      (h: Handlers) => h.getMetricSpec(about({ service: 'catalog', eventLoopLagMs: '0' }), context),
      /'0' is no number above 0/,
    ],
    [
      'another metric',
      (h: Handlers) => h.getMetrics({ scaledObjectRef: about(), metricName: 'cpu' }, context),
      /use one of requests_in_flight, event_loop_lag_ms/,
    ],
  ] as const) {
    it(`refuses ${what}`, async () => {
      const failure = await ask(scaler(1).handlers).then(
        () => undefined,
        (error: unknown) => error,
      );
      expect(MeshError.from(failure).code).to.equal('INVALID_ARGUMENT');
      expect(MeshError.from(failure).message).to.match(message);
    });
  }

  it('is active with requests, without instances, and when it can not know', async () => {
    const active = async (...busy: readonly (number | null)[]) =>
      (await scaler(...busy).handlers.isActive(about(), context)).result;
    expect(await active(0, 0)).to.equal(false);
    expect(await active(0, 0.1)).to.equal(true);
    expect(await active()).to.equal(true);
    expect(await active(0, null)).to.equal(true);
  });

  it('streams whether it is active: at once, and each change once', async () => {
    const { handlers, world, becomes } = scaler(0);
    const stop = new AbortController();
    const told: boolean[] = [];
    const streaming = (async () => {
      for await (const { result } of handlers.streamIsActive(about(), { ...context, signal: stop.signal }))
        told.push(result);
    })().catch((error: unknown) => error);
    await world.advance(5_000);
    expect(told).to.deep.equal([false]);
    becomes(3);
    await world.advance(5_000);
    becomes(0);
    await world.advance(5_000);
    expect(told).to.deep.equal([false, true, false]);
    stop.abort();
    await streaming;
    expect(world.pendingTimers()).to.equal(0);
  });
});
