import { expect } from 'chai';
import { Registry } from 'prom-client';
import { virtualClock } from '../testing/virtual-clock.js';
import { createLoadMetrics } from './load-metrics.js';

function started() {
  const world = virtualClock();
  const registry = new Registry();
  const load = createLoadMetrics({
    registers: [registry],
    clock: world.clock,
    serviceLabel: (service) => service,
  });
  const value = async (series: string) => {
    const line = (await registry.metrics()).split('\n').find((candidate) => candidate.startsWith(series));
    return line === undefined ? undefined : Number(line.split(' ').pop());
  };
  return { world, load, value };
}

describe('the load of a process', () => {
  it('is the requests of the moment, and their sum over time', async () => {
    const { world, load, value } = started();
    load.requests('cart', 1);
    await world.advance(2_000);
    load.requests('cart', 1);
    await world.advance(500);
    expect(await value('mesh_requests_in_flight{service_name="cart"}')).to.equal(2);
    expect(await value('mesh_request_seconds_total{service_name="cart"}')).to.equal(3);
    load.requests('cart', -1);
    load.requests('cart', -1);
    await world.advance(10_000);
    expect(await value('mesh_requests_in_flight{service_name="cart"}')).to.equal(0);
    expect(await value('mesh_request_seconds_total{service_name="cart"}')).to.equal(3);
  });

  it('grows in the sum of a request that has not ended, by whoever reads it', async () => {
    const { world, load, value } = started();
    load.requests('order', 1);
    for (const seconds of [1, 2, 3]) {
      await world.advance(1_000);
      expect(await value('mesh_request_seconds_total{service_name="order"}')).to.equal(seconds);
      expect(await value('mesh_request_seconds_total{service_name="order"}')).to.equal(seconds);
    }
  });

  it('tells services apart, and of a service that had no request nothing', async () => {
    const { world, load, value } = started();
    load.requests('cart', 1);
    load.requests('users', 1);
    load.requests('users', -1);
    await world.advance(1_000);
    expect(await value('mesh_request_seconds_total{service_name="cart"}')).to.equal(1);
    expect(await value('mesh_request_seconds_total{service_name="users"}')).to.equal(0);
    expect(await value('mesh_request_seconds_total{service_name="order"}')).to.equal(undefined);
  });

  it('is the lag of the event loop, as a sum and a number of looks', async () => {
    const { load, value } = started();
    for (const seconds of [0.002, 0.03]) load.eventLoopLag(seconds);
    expect(await value('mesh_event_loop_lag_seconds_count')).to.equal(2);
    expect(await value('mesh_event_loop_lag_seconds_sum')).to.equal(0.032);
    expect(await value('mesh_event_loop_lag_seconds_bucket{le="0.01"}')).to.equal(1);
  });
});
