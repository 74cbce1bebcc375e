import { expect } from 'chai';
import { type ForkedInstance, forkInstance } from '../balancing/forked-instance.test.js';
import { loadContract } from '../contract/image.js';
import { echoPolicy } from '../rpc/echo-contract.test.js';
import { grpcWire } from '../rpc/grpc/channel-wire.js';
import { machineAmbient } from '../runtime/ambient.js';
import { testAuthority } from '../security/test-certificates.test.js';
import { readImage } from '../shape/package-files.js';
import { collectingLog } from '../testing/collecting-log.js';
import { eventually } from '../testing/eventually.js';
import { degradedTrailer } from './fallback-wire.js';
import { type ProtectedWire, protectWire } from './protect-wire.js';

describe('an optional callee that is stopped where it is (SIGSTOP), over mTLS', function () {
  this.timeout(30_000);
  const ambient = machineAmbient();
  const authority = testAuthority();
  const method = echoPolicy('say', { idempotency: 'no_side_effects' });
  const body = Buffer.from(JSON.stringify({ text: 'hello', number: 1 }));
  let instance: ForkedInstance;
  let wire: ProtectedWire;

  beforeEach(async () => {
    instance = await forkInstance({ identity: authority.identityOf('echo'), answersAfterMs: 1 });
    const hop = grpcWire(`ipv4:127.0.0.1:${instance.port}`, {
      callee: 'echo',
      identity: authority.identityOf('test'),
    });
    wire = protectWire(hop, {
      callee: 'echo',
      criticality: 'optional',
      contract: loadContract(readImage()),
      ambient,
      log: collectingLog(),
    });
    await eventually(async () => !(await call()).degraded);
  });
  afterEach(async () => {
    wire.close();
    await instance.kill();
  });

  /** What optional callees get, by the clock of a machine that may have no turn for this process: see below. */
  const allowedMs = 150;
  const call = async () => {
    const beganMs = performance.now();
    const allowed = ambient.timers.sleep(allowedMs).then(() => performance.now());
    const { trailers } = await wire.call({
      method,
      body,
      metadata: {},
      deadlineMs: Date.now() + 2_000,
      signal: new AbortController().signal,
    });
    const endedMs = performance.now();
    return {
      degraded: trailers[degradedTrailer] === 'echo',
      tookMs: endedMs - beganMs,
      /** How long after a timer of the allowed time, which has no turn either when the process has none. */
      lateMs: async () => endedMs - (await allowed),
    };
  };
  /** Calls at a steady rate. */
  const callsFor = async (forMs: number, everyMs: number) => {
    const calls: ReturnType<typeof call>[] = [];
    for (const endMs = performance.now() + forMs; performance.now() < endMs; ) {
      calls.push(call());
      await ambient.timers.sleep(everyMs);
    }
    return Promise.all(calls);
  };

  it('costs 150 ms until the breaker opens, then nothing, and is asked again soon after it goes on', async () => {
    instance.stop();
    const first = await callsFor(1_000, 20);
    expect(first.every(({ degraded }) => degraded)).to.equal(true);
    expect(Math.max(...(await Promise.all(first.map(({ lateMs }) => lateMs()))))).to.be.below(100);
    expect(wire.breaker().word).to.equal('open');

    const later = await callsFor(2_000, 20);
    const tookMs = later.map((one) => one.tookMs).sort((one, other) => one - other);
    // The middle one: a few are the breaker's own questions, and a few have the machine's neighbours in between.
    expect(tookMs[Math.floor(tookMs.length / 2)]).to.be.below(1);

    instance.goOn();
    const wellSinceMs = performance.now();
    await eventually(async () => {
      await call();
      return wire.breaker().word === 'closed';
    });
    expect(performance.now() - wellSinceMs).to.be.below(5_000);
    const afterwards = await callsFor(500, 20);
    expect(afterwards.filter(({ degraded }) => degraded)).to.deep.equal([]);
  });

  it('is answered for at once when it is killed', async () => {
    await instance.kill();
    const calls = await callsFor(1_500, 20);
    expect(calls.every(({ degraded }) => degraded)).to.equal(true);
    expect(wire.breaker().word).to.equal('open');
  });
});
