import { experimental } from '@grpc/grpc-js';
import { expect } from 'chai';
import { MeshError } from '../contract/error.js';
import type { MethodPolicy } from '../contract/policy.js';
import { registerMeshResolver } from '../discovery/grpc-resolver.js';
import type { Endpoint, EndpointListener } from '../discovery/resolver.js';
import type { EjectionChange, EjectionSettings } from '../resilience/outlier-ejection.js';
import { type EdgeServiceConfig, serviceConfigFor } from '../resilience/retry-policy.js';
import { deadlineSignal } from '../rpc/deadline.js';
import { EchoDefinition, echoPolicy } from '../rpc/echo-contract.test.js';
import { grpcWire } from '../rpc/grpc/channel-wire.js';
import type { Wire } from '../rpc/wire.js';
import { machineAmbient } from '../runtime/ambient.js';
import { collectingLog } from '../testing/collecting-log.js';
import { eventually } from '../testing/eventually.js';
import { registerMeshRoundRobin } from './mesh-round-robin.js';
import { type ScriptedServer, scriptedServer } from './scripted-server.test.js';

const ambient = machineAmbient();
/** Repeated when the callee was not there. */
const read = echoPolicy('say', { idempotency: 'no_side_effects' });
const command = echoPolicy('say');
const watch = echoPolicy('count', { idempotency: 'no_side_effects' });

let schemes = 0;

describe('mesh_round_robin over real connections', function () {
  this.timeout(30_000);
  let servers: ScriptedServer[];
  let wires: Wire[];
  let changes: EjectionChange[];
  let callees: Set<string>;
  let retries: Map<string, number>;
  const log = collectingLog();

  before(() =>
    registerMeshRoundRobin({
      ...ambient,
      log,
      onChange: (change, callee) => {
        changes.push(change);
        callees.add(callee);
      },
    }),
  );
  const count = (what: string, by: number) => retries.set(what, (retries.get(what) ?? 0) + by);
  beforeEach(() => {
    servers = [];
    wires = [];
    changes = [];
    callees = new Set();
    retries = new Map();
  });
  afterEach(() => {
    for (const wire of wires) wire.close();
    for (const server of servers) server.kill();
  });

  const start = async (count: number) => {
    servers = await Promise.all(Array.from({ length: count }, () => scriptedServer()));
    return servers as [ScriptedServer, ...ScriptedServer[]];
  };
  const configOf = (balancing: Partial<EjectionSettings>, repeated: MethodPolicy[]): EdgeServiceConfig =>
    serviceConfigFor(
      [EchoDefinition.fullName],
      new Map(repeated.map((policy) => [policy.path, policy])),
      balancing,
    );
  /** A wire to the servers, connected to each. `repeated`: the methods that are marked so that they may be. */
  const connect = async (balancing: Partial<EjectionSettings> = {}, repeated: MethodPolicy[] = []) => {
    const wire = grpcWire(`ipv4:${servers.map(({ port }) => `127.0.0.1:${port}`).join(',')}`, {
      callee: 'echo',
      channel: { 'grpc.service_config': JSON.stringify(configOf(balancing, repeated)) },
      repeats: {
        retried: (method, times) => count(`retried ${method}`, times),
        retryRefused: (method) => count(`refused ${method}`, 1),
      },
    });
    wires.push(wire);
    await say(wire);
    await eventually(() => servers.every((server) => server.connections() >= 1));
    await eventually(async () => {
      const before = servers.map(({ attempts }) => attempts.length);
      for (let n = 0; n < servers.length; n += 1) await say(wire);
      return servers.every(({ attempts }, index) => attempts.length > (before[index] ?? 0));
    });
    for (const { attempts } of servers) attempts.length = 0;
    return wire;
  };
  /** Makes one call, as a typed client does. @returns `OK` or the code of its failure. */
  const say = async (wire: Wire, method: MethodPolicy = command, withinMs = 2_000) => {
    const deadlineMs = Date.now() + withinMs;
    const ending = deadlineSignal(ambient, new AbortController().signal, deadlineMs, method.path);
    try {
      await wire.call({ method, body: new Uint8Array(), metadata: {}, deadlineMs, signal: ending.signal });
      return 'OK';
    } catch (error) {
      return MeshError.from(error).code;
    } finally {
      ending.dispose();
    }
  };
  /** Calls again and again, from several places at once, until it is told to stop. */
  const load = (wire: Wire, method: MethodPolicy = command, withinMs = 2_000) => {
    const failures: { readonly code: string; readonly atMs: number }[] = [];
    let calls = 0;
    let going = true;
    const workers = Array.from({ length: 6 }, async () => {
      while (going) {
        const code = await say(wire, method, withinMs);
        calls += 1;
        if (code !== 'OK') failures.push({ code, atMs: performance.now() });
        await ambient.timers.sleep(5);
      }
    });
    return {
      failures,
      calls: () => calls,
      stop: async () => {
        going = false;
        await Promise.all(workers);
      },
    };
  };
  const ejected = () => changes.filter(({ now }) => now === 'ejected').map(({ endpoint }) => endpoint);

  it('takes turns', async () => {
    await start(3);
    const wire = await connect();
    for (let n = 0; n < 30; n += 1) await say(wire);
    expect(servers.map(({ attempts }) => attempts.length)).to.deep.equal([10, 10, 10]);
  });

  for (const [how, behaviour, withinMs] of [
    ['refuses its calls', { code: 'UNAVAILABLE' }, 2_000],
    ['hangs', 'silent', 200],
  ] as const) {
    it(`leaves an instance out within a second when it ${how}, and takes it in again later`, async () => {
      const [bad] = await start(3);
      const wire = await connect({ baseEjectionMs: 1_500 });
      const loading = load(wire, command, withinMs);
      bad.behaviour = behaviour;
      const beganMs = performance.now();
      await eventually(() => ejected().length > 0, { withinMs: 1_000 });
      await ambient.timers.sleep(withinMs === 200 ? 300 : 50);
      expect(ejected()).to.deep.equal([`127.0.0.1:${bad.port}`]);
      expect(Math.max(...loading.failures.map(({ atMs }) => atMs)) - beganMs).to.be.below(1_000);

      bad.behaviour = 'well';
      bad.attempts.length = 0;
      const failed = loading.failures.length;
      await eventually(() => bad.attempts.length > 20, { withinMs: 5_000, what: 'its return' });
      await loading.stop();
      expect(loading.failures).to.have.length(failed);
      expect(changes.map(({ now }) => now)).to.deep.equal(['ejected', 'returned', 'well']);
      expect([...callees]).to.deep.equal(['echo']);
      expect(log.lines.map(({ message }) => message)).to.include('an instance fails: it is left out');
    });
  }

  for (const [what, behaviour] of [
    ['has not got what it is asked for', { code: 'NOT_FOUND', reason: 'PRODUCT_NOT_FOUND' }],
    ['does not ask a callee of its own that fails', { code: 'UNAVAILABLE', reason: 'CIRCUIT_OPEN' }],
    ['has too much to do', { code: 'RESOURCE_EXHAUSTED', reason: 'OVERLOADED' }],
  ] as const) {
    it(`goes on with an instance that ${what}`, async () => {
      const [other] = await start(3);
      const wire = await connect();
      other.behaviour = behaviour;
      for (let n = 0; n < 90; n += 1) await say(wire);
      expect(other.attempts).to.have.length(30);
      expect(changes).to.deep.equal([]);
    });
  }

  it('does not blame an instance for callers that give up', async () => {
    const [slow] = await start(2);
    const wire = await connect();
    slow.behaviour = 'silent';
    for (let n = 0; n < 20; n += 1) {
      const ending = new AbortController();
      const call = wire.call({
        method: command,
        body: new Uint8Array(),
        metadata: {},
        deadlineMs: Date.now() + 5_000,
        signal: ending.signal,
      });
      setTimeout(() => ending.abort(), 60);
      await call.catch(() => undefined);
    }
    expect(slow.attempts).to.have.length(10);
    expect(changes).to.deep.equal([]);
  });

  describe('and retries', () => {
    it('try an idempotent call three times, telling the server which attempt it is, and any other once', async () => {
      const [only] = await start(1);
      const wire = await connect({}, [read]);
      only.behaviour = { code: 'UNAVAILABLE' };
      expect(await say(wire, read)).to.equal('UNAVAILABLE');
      expect(only.attempts).to.deep.equal([0, 1, 2]);
      expect([...retries]).to.deep.equal([[`retried ${read.path}`, 2]]);

      only.behaviour = 'well';
      const once = await connect();
      only.behaviour = { code: 'UNAVAILABLE' };
      expect(await say(once, command)).to.equal('UNAVAILABLE');
      expect(only.attempts).to.deep.equal([0]);
      expect([...retries], 'nothing new').to.have.length(1);
    });

    it('are told of when they help, too', async () => {
      const [only] = await start(1);
      const wire = await connect({}, [read]);
      only.behaviour = { code: 'UNAVAILABLE' };
      const call = say(wire, read);
      await eventually(() => only.attempts.length === 1, { everyMs: 1 });
      only.behaviour = 'well';
      expect(await call).to.equal('OK');
      expect([...retries]).to.deep.equal([[`retried ${read.path}`, 1]]);
    });

    it('leave errors alone that say that the callee was there', async () => {
      const [only] = await start(1);
      const wire = await connect({}, [read]);
      for (const code of ['INTERNAL', 'NOT_FOUND', 'RESOURCE_EXHAUSTED', 'ABORTED'] as const) {
        only.behaviour = { code };
        only.attempts.length = 0;
        expect(await say(wire, read)).to.equal(code);
        expect(only.attempts, code).to.deep.equal([0]);
      }
      expect([...retries]).to.deep.equal([]);
    });

    it('never repeat a stream of which a part was read', async () => {
      const [only] = await start(1);
      const wire = await connect({}, [watch]);
      only.behaviour = { code: 'UNAVAILABLE' };
      const read: string[] = [];
      const { body } = await wire.call({
        method: watch,
        body: new Uint8Array(),
        metadata: {},
        deadlineMs: Date.now() + 2_000,
        signal: new AbortController().signal,
      });
      const failure = await (async () => {
        for await (const bytes of body as AsyncIterable<Uint8Array>) read.push(Buffer.from(bytes).toString());
      })().catch((thrown: unknown) => MeshError.from(thrown).code);
      expect({ read, failure, attempts: only.attempts }).to.deep.equal({
        read: ['1'],
        failure: 'UNAVAILABLE',
        attempts: [0],
      });
    });

    it('stop when the budget is spent: an outage is not made worse by repeating', async () => {
      const [only] = await start(1);
      const wire = await connect({}, [read]);
      only.behaviour = { code: 'UNAVAILABLE' };
      await Promise.all(Array.from({ length: 50 }, () => say(wire, read)));
      expect(only.attempts, 'attempts of the first 50 calls').to.have.length(150);
      await Promise.all(Array.from({ length: 200 }, () => say(wire, read)));
      only.attempts.length = 0;
      retries.clear();
      await Promise.all(Array.from({ length: 100 }, () => say(wire, read)));
      expect(only.attempts).to.have.length(100);
      expect([...retries]).to.deep.equal([[`refused ${read.path}`, 100]]);
    });
  });

  describe('when the list of instances changes', () => {
    let tell: EndpointListener;
    const listed = async (balancing: Partial<EjectionSettings> = {}) => {
      schemes += 1;
      const scheme = `balancing${schemes}`;
      registerMeshResolver(
        scheme,
        {
          watch: (_service, listener) => {
            tell = listener;
            return () => undefined;
          },
          close: () => undefined,
        },
        { timers: ambient.timers, log, serviceConfig: () => configOf(balancing, []) },
      );
      const wire = grpcWire(`${scheme}:///echo`);
      wires.push(wire);
      const first = say(wire);
      await eventually(() => tell !== undefined);
      tell(endpoints());
      expect(await first).to.equal('OK');
      return wire;
    };
    const endpoints = (only = servers): Endpoint[] =>
      only.map(({ port }) => ({ instanceId: `echo-${port}`, address: '127.0.0.1', port, version: '' }));
    beforeEach(() => {
      tell = undefined as unknown as EndpointListener;
    });

    it('keeps connections, and what it knows of those that stay', async () => {
      const [bad, good, late] = (await start(3)) as [ScriptedServer, ScriptedServer, ScriptedServer];
      const wire = await listed({ baseEjectionMs: 60_000 });
      await eventually(() => servers.every((server) => server.connections() === 1));
      bad.behaviour = { code: 'UNAVAILABLE' };
      await eventually(async () => {
        await say(wire);
        return ejected().length === 1;
      });
      tell(endpoints([bad, good]));
      late.attempts.length = 0;
      for (let n = 0; n < 10; n += 1) await say(wire);
      expect(late.attempts).to.deep.equal([]);
      tell(endpoints());
      await eventually(() => late.connections() === 1);
      bad.attempts.length = 0;
      for (let n = 0; n < 30; n += 1) expect(await say(wire)).to.equal('OK');
      expect(bad.attempts).to.deep.equal([]);
      expect([bad, good].map((server) => server.connections())).to.deep.equal([1, 1]);
    });

    it('fails calls at once when the list is empty', async () => {
      await start(1);
      const wire = await listed();
      tell([]);
      await ambient.timers.sleep(20);
      const beganMs = performance.now();
      expect(await say(wire)).to.equal('UNAVAILABLE');
      expect(performance.now() - beganMs).to.be.below(500);
    });

    it('loses no call while instances come and go in order', async () => {
      await start(4);
      const wire = await listed();
      const loading = load(wire);
      for (let round = 0; round < 12; round += 1) {
        tell(endpoints(servers.filter((_, index) => index !== round % 4)));
        await ambient.timers.sleep(40);
      }
      await loading.stop();
      expect(loading.calls()).to.be.above(100);
      expect(loading.failures).to.deep.equal([]);
    });
  });

  describe('in a service config', () => {
    const parse = (options: object) =>
      experimental.parseLoadBalancingConfig({ mesh_round_robin: options }).toJsonObject();

    it('takes all of its options with their defaults', () => {
      expect(parse({ baseEjectionMs: 7 })).to.deep.include({
        mesh_round_robin: {
          consecutiveFailures: 5,
          failurePercent: 50,
          minCalls: 20,
          windowMs: 5_000,
          baseEjectionMs: 7,
          maxEjectionMs: 60_000,
          maxEjectedPercent: 50,
          trialEveryMs: 500,
        },
      });
    });

    it('refuses options that it does not know or can not use, by name', () => {
      expect(() => parse({ baseEjectionTime: 1 })).to.throw(/baseEjectionTime is not an option: use cons/);
      expect(() => parse({ minCalls: '1s' })).to.throw(/minCalls must be a number above 0/);
      expect(() => parse({ minCalls: 0 })).to.throw(/minCalls/);
    });
  });
});
