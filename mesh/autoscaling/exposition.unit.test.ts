import { expect } from 'chai';
import { createMetrics } from '../telemetry/metrics.js';
import { virtualClock } from '../testing/virtual-clock.js';
import { readSample } from './exposition.js';

describe('what an instance says of its load', () => {
  it('is read from what a process exposes', async () => {
    const world = virtualClock();
    const metrics = createMetrics({ version: '1', shape: 'test', clock: world.clock, process: false });
    const method = { path: '/meshmart.cart.v1.CartService/GetCart', kind: 'unary' } as const;
    metrics.rpc('cart').inFlight('server', method, 1);
    metrics.rpc('cart').inFlight('server', method, 1);
    metrics.eventLoopLag(0.25);
    await world.advance(2_000);
    expect(readSample((await metrics.text()).text, 5)).to.deep.equal({
      atMs: 5,
      requestsInFlight: 2,
      requestSeconds: 4,
      lagSeconds: 0.25,
      looks: 1,
    });
  });

  it('is read among the metrics of a sidecar, with labels of any kind', () => {
    const text = [
      '# TYPE envoy_cluster_upstream_rq counter',
      'envoy_cluster_upstream_rq{cluster_name="a{b} 7"} 9',
      'mesh_requests_in_flight{service_name="cart",note="} 5"} 3',
      'mesh_requests_in_flight{service_name="cart",note="other"} 1 1700000000000',
      'mesh_requests_in_flight_of_somebody_else 100',
      'mesh_event_loop_lag_seconds_sum NaN',
      '',
    ].join('\n');
    expect(readSample(text, 0)).to.include({ requestsInFlight: 4, requestSeconds: 0, lagSeconds: 0 });
  });

  it('is nothing where nothing is said', () => {
    expect(readSample('', 0)).to.equal(undefined);
    expect(readSample('<html>502</html>', 0)).to.equal(undefined);
  });
});
