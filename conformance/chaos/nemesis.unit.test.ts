import { expect } from 'chai';
import { virtualClock } from '../../mesh/testing/virtual-clock.js';
import { type EdgeWeather, edgeWeather, type FeltWeather } from '../fault-proxy/edge-weather.js';
import type { Edge } from '../fault-proxy/switchboard.js';
import { edgeText } from './edges.js';
import type { FaultKind, PlannedFault } from './faults.js';
import { createNemesis } from './nemesis.js';

const edge: Edge = { caller: 'order', callee: 'payment' };

describe('a nemesis', () => {
  const setup = () => {
    const clock = virtualClock();
    const signals: string[] = [];
    const weathers = new Map<string, FeltWeather>();
    const weather = (of: Edge): FeltWeather => {
      const found = weathers.get(edgeText(of)) ?? edgeWeather(() => 0);
      weathers.set(edgeText(of), found);
      return found;
    };
    const nemesis = createNemesis({
      ...clock,
      instances: async () => [
        { service: 'order', instance: 'order-1.1', pid: 11 },
        { service: 'payment', instance: 'payment-1.1', pid: 21 },
        { service: 'payment', instance: 'payment-2.1', pid: 22 },
      ],
      serverPid: (name) => (name === 'redis' ? 31 : undefined),
      weather: weather as (of: Edge) => EdgeWeather,
      signal: (pid, signal) => signals.push(`${signal} ${pid}`),
    });
    const fault = (kind: FaultKind, changes: Partial<PlannedFault> = {}): PlannedFault => ({
      kind,
      atMs: 0,
      lastsMs: 1_000,
      service: 'payment',
      edge: undefined,
      back: false,
      ...changes,
    });
    return { clock, signals, weather, nemesis, fault };
  };

  it('kills a process of the service, and tells whose traffic that may disturb', async () => {
    const { nemesis, fault, signals } = setup();
    const told = await nemesis.strike(fault('kill -9'));
    expect(signals).to.deep.equal(['SIGKILL 21']);
    expect(told).to.deep.include({
      target: 'payment-1.1',
      touches: ['payment'],
      probed: 'payment',
      tookEffect: true,
    });
  });

  it('stops a process and lets it go on, and leaves it alone meanwhile', async () => {
    const { clock, nemesis, fault, signals } = setup();
    const first = nemesis.strike(fault('stop and resume'));
    await clock.settle();
    const second = nemesis.strike(fault('stop and resume'));
    await clock.advance(1_000);
    expect((await first).target).to.equal('payment-1.1');
    expect((await second).target).to.equal('payment-2.1');
    expect(signals).to.deep.equal(['SIGSTOP 21', 'SIGSTOP 22', 'SIGCONT 21', 'SIGCONT 22']);
    expect((await first).healedMs - (await first).startedMs).to.equal(1_000);
  });

  it('cuts an edge one way and heals it', async () => {
    const { clock, nemesis, fault, weather } = setup();
    const struck = nemesis.strike(fault('cut one way', { edge, back: true }));
    await clock.settle();
    expect([weather(edge).isCut('up'), weather(edge).isCut('down')]).to.deep.equal([false, true]);
    await clock.advance(1_000);
    expect(weather(edge).isCut('down')).to.equal(false);
    expect(await struck).to.deep.include({
      target: 'order > payment',
      touches: ['payment'],
      healedMs: 1_000,
    });
  });

  it('leaves an edge alone that another fault lasts on, and says that this one had no effect', async () => {
    const { clock, nemesis, fault, weather } = setup();
    const first = nemesis.strike(fault('cut both ways', { edge }));
    await clock.advance(10);
    expect((await nemesis.strike(fault('slow edge', { edge }))).tookEffect).to.equal(false);
    expect(weather(edge).isCut('up')).to.equal(true);
    await clock.advance(1_000);
    await first;
  });

  it('waits for a message to lose, and says when there was none', async () => {
    const { clock, nemesis, fault, weather } = setup();
    const hit = nemesis.strike(fault('dropped reply', { edge }));
    await clock.advance(100);
    expect(weather(edge).takeMishap()).to.equal('drop the reply');
    await clock.advance(100);
    expect((await hit).tookEffect).to.equal(true);
    expect((await hit).healedMs).to.be.below(200);
    const missed = nemesis.strike(fault('dropped reply', { edge }));
    await clock.advance(2_000);
    expect((await missed).tookEffect).to.equal(false);
    expect(weather(edge).takeMishap()).to.equal(undefined);
  });

  it('heals all at once', async () => {
    const { clock, nemesis, fault, signals, weather } = setup();
    const lasting = [
      nemesis.strike(fault('stop and resume', { lastsMs: 60_000 })),
      nemesis.strike(fault('cut both ways', { edge, lastsMs: 60_000 })),
    ];
    await clock.advance(10);
    nemesis.heal();
    await Promise.all(lasting);
    expect(signals.at(-1)).to.equal('SIGCONT 21');
    expect(weather(edge).isCut('up')).to.equal(false);
  });

  it('kills servers beside the shop, and all processes of it', async () => {
    const { nemesis, fault, signals } = setup();
    expect(await nemesis.strike(fault('kill -9 of Redis'))).to.deep.include({
      target: 'redis',
      touches: ['*'],
    });
    expect((await nemesis.strike(fault('kill -9 of Consul'))).tookEffect).to.equal(false);
    await nemesis.strike(fault('kill -9 of all'));
    expect(signals).to.deep.equal(['SIGKILL 31', 'SIGKILL 11', 'SIGKILL 21', 'SIGKILL 22']);
  });
});
