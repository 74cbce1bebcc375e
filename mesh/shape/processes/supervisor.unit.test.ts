import { expect } from 'chai';
import { StartupError } from '../../runtime/startup-error.js';
import { collectingLog } from '../../testing/collecting-log.js';
import { virtualClock } from '../../testing/virtual-clock.js';
import type { FromInstance, ToInstance } from './channel.js';
import type { InstanceProcess } from './instance-process.js';
import { createSupervisor } from './supervisor.js';

/** A process that does what the test says: the operating system's side of the supervisor. */
function scriptedProcess(pid: number) {
  const told: ToInstance[] = [];
  const signals: string[] = [];
  let message: (message: FromInstance) => void = () => undefined;
  let exit: Parameters<InstanceProcess['onExit']>[0] = () => undefined;
  const process: InstanceProcess = {
    pid,
    tell: (what) => told.push(what),
    kill: (signal) => signals.push(signal),
    onMessage: (listener) => {
      message = listener;
    },
    onExit: (listener) => {
      exit = listener;
    },
  };
  return {
    process,
    told,
    signals,
    says: (what: FromInstance) => message(what),
    listens: () => message({ kind: 'listening', addresses: { adminUrl: `http://127.0.0.1:${pid}` } }),
    ends: (code: number | null, signal: string | null = null, complaint = '') =>
      exit({ code, signal, complaint }),
  };
}

describe('the supervisor', () => {
  const setUp = () => {
    const time = virtualClock();
    const started: { id: string; script: ReturnType<typeof scriptedProcess> }[] = [];
    const lines: string[] = [];
    const crashed: string[] = [];
    const supervisor = createSupervisor({
      ambient: time,
      log: collectingLog(),
      tell: (line) => lines.push(line),
      onCrash: (id) => crashed.push(id),
      start: (_planned, id) => {
        const script = scriptedProcess(started.length + 1);
        started.push({ id, script });
        return script.process;
      },
    });
    const nth = (index: number) => started[index]?.script as ReturnType<typeof scriptedProcess>;
    return { time, started, lines, crashed, supervisor, nth };
  };
  const catalog = { service: 'catalog', number: 1 };

  it('has started once every instance listens', async () => {
    const { supervisor, nth, started } = setUp();
    const starting = supervisor.start([catalog, { service: 'cart', number: 1 }], 1_000);
    nth(0).listens();
    nth(1).listens();
    await starting;
    expect(started.map(({ id }) => id)).to.deep.equal(['catalog-1.1', 'cart-1.1']);
  });

  it('fails to start with the reason of the instance that could not', async () => {
    const { supervisor, nth } = setUp();
    const starting = supervisor.start([catalog], 1_000);
    nth(0).says({ kind: 'failed', line: 'port 1 is taken: choose another' });
    const failure = await starting.catch((error: unknown) => error);
    expect(failure).to.be.instanceOf(StartupError);
    expect((failure as Error).message).to.equal('catalog could not start: port 1 is taken: choose another');
  });

  it('fails to start when an instance is too slow, and names it', async () => {
    const { supervisor, time } = setUp();
    const starting = supervisor.start([catalog], 1_000).catch((error: Error) => error.message);
    await time.advance(1_000);
    expect(await starting).to.match(/^catalog-1\.1 did not listen within 1000 ms/);
  });

  it('starts a crashed process again with growing waits, tells of it, and takes its registration away', async () => {
    const { supervisor, nth, time, started, lines, crashed } = setUp();
    const starting = supervisor.start([catalog], 1_000);
    nth(0).listens();
    await starting;
    nth(0).ends(null, 'SIGKILL');
    expect(supervisor.status()[0]?.state).to.equal('waiting to restart');
    expect(crashed).to.deep.equal(['catalog-1.1']);
    expect(lines[0]).to.equal('catalog-1.1 ended (SIGKILL); it starts again in 100 ms');
    await time.advance(100);
    expect(started.at(-1)?.id).to.equal('catalog-1.2');
    nth(1).ends(1, null, 'Error: broken\n  at somewhere');
    expect(lines[1]).to.equal('catalog-1.2 ended (exit code 1: Error: broken); it starts again in 200 ms');
    await time.advance(199);
    expect(started).to.have.length(2);
    await time.advance(1);
    expect(started).to.have.length(3);
    expect(supervisor.status()[0]?.restarts).to.equal(2);
  });

  it('starts a replacement for a process that was asked to stop, and lets that one go once the other listens', async () => {
    const { supervisor, nth, started, crashed } = setUp();
    const starting = supervisor.start([catalog], 1_000);
    nth(0).listens();
    await starting;
    nth(0).says({ kind: 'leaving' });
    expect(started.map(({ id }) => id)).to.deep.equal(['catalog-1.1', 'catalog-1.2']);
    expect(nth(0).told).to.deep.equal([]);
    nth(1).listens();
    expect(nth(0).told).to.deep.equal([{ kind: 'replaced' }]);
    nth(0).ends(0);
    expect(started, 'no third process').to.have.length(2);
    expect(crashed).to.deep.equal([]);
  });

  it('stops group after group, by force what takes too long, and starts nothing any more', async () => {
    const { supervisor, nth, time, started } = setUp();
    const starting = supervisor.start([catalog, { service: 'gateway', number: 1 }], 1_000);
    nth(0).listens();
    nth(1).listens();
    await starting;
    const stopping = supervisor.stop([['gateway']], 500);
    expect(nth(1).told).to.deep.equal([{ kind: 'stop' }]);
    expect(nth(0).told).to.deep.equal([]);
    await time.advance(500);
    expect(nth(1).signals).to.deep.equal(['SIGKILL']);
    nth(1).ends(null, 'SIGKILL');
    await time.advance(1);
    expect(nth(0).told).to.deep.equal([{ kind: 'stop' }]);
    nth(0).ends(0);
    await stopping;
    await time.advance(60_000);
    expect(started).to.have.length(2);
  });
});
