import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { expect } from 'chai';
import { type ForkedInstance, forkInstance } from '../../balancing/forked-instance.test.js';
import { MeshError } from '../../contract/error.js';
import { testAuthority } from '../../security/test-certificates.test.js';
import { echoPolicy } from '../echo-contract.test.js';
import type { Wire } from '../wire.js';
import { grpcWire } from './channel-wire.js';

/** A TCP proxy in a thread of its own, so that it resets what it carries while this thread has no turn. */
const resettingProxy = `
  const { createServer, connect } = require('node:net');
  const { parentPort, workerData: port } = require('node:worker_threads');
  const carried = [];
  const proxy = createServer((near) => {
    const far = connect(port, '127.0.0.1');
    carried.push(near, far);
    for (const [from, to] of [[near, far], [far, near]]) from.on('error', () => to.destroy()).pipe(to);
  });
  proxy.listen(0, '127.0.0.1', () => parentPort.postMessage(proxy.address().port));
  parentPort.on('message', () => carried.splice(0).forEach((socket) => socket.resetAndDestroy()));
`;

describe('a connection over mTLS that is reset while this process has no turn', function () {
  this.timeout(30_000);
  const authority = testAuthority();
  const method = echoPolicy('say', { idempotency: 'no_side_effects' });
  const body = Buffer.from(JSON.stringify({ text: 'hello', number: 1 }));
  const answersAfterMs = 30;
  let instance: ForkedInstance;
  let proxy: Worker;
  let wire: Wire;

  beforeEach(async () => {
    instance = await forkInstance({ identity: authority.identityOf('echo'), answersAfterMs });
    proxy = new Worker(resettingProxy, { eval: true, workerData: instance.port });
    const [port] = await once(proxy, 'message');
    const identity = authority.identityOf('test');
    wire = grpcWire(`ipv4:127.0.0.1:${port}`, { callee: 'echo', identity });
  });
  afterEach(async () => {
    wire.close();
    await Promise.all([proxy.terminate(), instance.kill()]);
  });

  /** What a garbage collection does, and other processes on a busy machine. */
  const haveNoTurn = (forMs: number) =>
    void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, forMs);
  /** How long a call takes until it is answered or fails. */
  const settledAfterMs = async () => {
    const beganMs = performance.now();
    const { signal } = new AbortController();
    await wire
      .call({ method, body, metadata: {}, deadlineMs: Date.now() + 6_000, signal })
      .catch((error: unknown) => expect(MeshError.is(error)).to.equal(true));
    return performance.now() - beganMs;
  };

  // Which of the writes comes before the first read is chance, at about one half.
  for (let round = 1; round <= 6; round += 1) {
    it(`is found to be gone, and no call waits for its deadline (${round} of 6)`, async () => {
      await settledAfterMs();
      const first = settledAfterMs();
      haveNoTurn(10);
      const second = settledAfterMs();
      await first;
      const third = settledAfterMs();
      // The answer to the second arrives, then the reset; the third is still to be written.
      haveNoTurn(2 * answersAfterMs);
      proxy.postMessage('reset');
      haveNoTurn(50);
      await second;
      const fourth = settledAfterMs();
      expect(Math.max(...(await Promise.all([second, third, fourth])))).to.be.below(3_000);
    });
  }
});
