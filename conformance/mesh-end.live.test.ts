import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { expect } from 'chai';
import { type MeshProcess, startMesh } from './mesh-process.js';

describe('a mesh of processes that is asked to end', function () {
  this.timeout(120_000);
  let mesh: MeshProcess;
  const callers: Socket[] = [];

  before(async () => {
    mesh = await startMesh({ scale: ['gateway=2'] });
  });
  after(async () => {
    for (const caller of callers) caller.destroy();
    await mesh?.kill();
    mesh?.folder.remove();
  });

  it('ends, although a gateway was killed while connections were handed to it', async () => {
    const gateways = await mesh.instances('gateway');
    // They take no connection any more; node:cluster gives them some all the same.
    for (const { pid } of gateways) process.kill(pid, 'SIGSTOP');
    const port = Number(new URL(mesh.httpUrl).port);
    for (let count = 0; count < 6; count += 1) {
      const caller = connect(port, '127.0.0.1');
      caller.on('error', () => undefined);
      callers.push(caller);
      await once(caller, 'connect');
    }
    // An answer of the primary comes after what it accepted before.
    await mesh.status();
    for (const { pid } of gateways) process.kill(pid, 'SIGKILL');
    await mesh.untilAllServe();
    const ended = await Promise.race([
      mesh.stop(),
      new Promise((resolve) => setTimeout(resolve, 30_000, 'did not end')),
    ]);
    expect(ended).to.equal(0);
  });
});
