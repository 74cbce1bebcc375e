import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { expect } from 'chai';
import { eventually } from '../../mesh/testing/eventually.js';
import { edgeWeather, type FeltWeather } from './edge-weather.js';
import { type FaultProxy, openFaultProxy } from './fault-proxy.js';

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const long = (text: string) => text.padEnd(200, '.');

/** A caller's end of a connection, with what came of it. */
interface Line {
  readonly socket: Socket;
  received(): string;
  /** `open`, `ended`, or the code of the error. */
  state(): string;
}

describe('a fault proxy', () => {
  let callee: Server;
  let heard: string[];
  let calleeSees: string[];
  let weather: FeltWeather;
  let proxy: FaultProxy;
  const lines: Line[] = [];

  beforeEach(async () => {
    heard = [];
    calleeSees = [];
    // Answers each piece with itself, shouted.
    callee = createServer((socket) => {
      socket.on('data', (bytes) => {
        heard.push(bytes.toString());
        socket.write(bytes.toString().toUpperCase());
      });
      socket.on('end', () => calleeSees.push('end'));
      socket.on('error', (error: NodeJS.ErrnoException) => calleeSees.push(error.code ?? ''));
    });
    await new Promise<void>((resolve) => callee.listen(0, '127.0.0.1', resolve));
    weather = edgeWeather(() => 0.5);
    const { port } = callee.address() as AddressInfo;
    proxy = await openFaultProxy({ upstream: { address: '127.0.0.1', port }, weather });
  });
  afterEach(async () => {
    for (const { socket } of lines.splice(0)) socket.destroy();
    await proxy.close();
    callee.close();
  });

  const call = (): Line => {
    const socket = connect(proxy.port, proxy.address);
    let text = '';
    let state = 'open';
    socket.on('data', (bytes) => {
      text += bytes.toString();
    });
    socket.on('end', () => {
      state = 'ended';
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      state = error.code ?? 'failed';
    });
    const line = { socket, received: () => text, state: () => state };
    lines.push(line);
    return line;
  };
  const connected = async () => {
    const line = call();
    line.socket.write('a');
    await eventually(() => expect(line.received()).to.equal('A'));
    return line;
  };

  it('carries bytes both ways, and the end of either', async () => {
    const line = await connected();
    line.socket.end('b');
    await eventually(() => expect(line.received()).to.equal('AB'));
    await eventually(() => expect(calleeSees).to.deep.equal(['end']));
    await eventually(() => expect(line.state()).to.equal('ended'));
  });

  it('tells the caller of a callee where nobody listens by a reset', async () => {
    const nobody = await openFaultProxy({ upstream: { address: '127.0.0.1', port: 1 }, weather });
    const socket = connect(nobody.port, nobody.address);
    const code = await new Promise((resolve) =>
      socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code)),
    );
    expect(code).to.equal('ECONNRESET');
    await nobody.close();
  });

  it('slows bytes down in both directions, in order', async () => {
    const line = await connected();
    weather.slow(60, 20);
    const startedMs = performance.now();
    line.socket.write('b');
    await pause(10);
    line.socket.write('c');
    await eventually(() => expect(line.received()).to.equal('ABC'));
    expect(performance.now() - startedMs).to.be.at.least(2 * 70 - 2);
  });

  it('lets nothing through in a direction that is cut, and all of it later', async () => {
    const line = await connected();
    weather.cut('up');
    line.socket.write('b');
    await pause(50);
    expect(heard).to.deep.equal(['a']);
    weather.heal();
    await eventually(() => expect(line.received()).to.equal('AB'));
  });

  it('lets requests through when only the way back is cut', async () => {
    const line = await connected();
    weather.cut('down');
    line.socket.write('b');
    await eventually(() => expect(heard).to.deep.equal(['a', 'b']));
    await pause(50);
    expect(line.received()).to.equal('A');
    weather.heal();
    await eventually(() => expect(line.received()).to.equal('AB'));
  });

  it('lets new connections hang while it is cut, and the other end not hear of the end of this one', async () => {
    const old = await connected();
    weather.cut('up', 'down');
    const line = call();
    line.socket.write('b');
    old.socket.destroy();
    await pause(50);
    expect(heard).to.deep.equal(['a']);
    expect(calleeSees).to.deep.equal([]);
    weather.heal();
    await eventually(() => expect(line.received()).to.equal('B'));
    await eventually(() => expect(calleeSees).to.have.length(1));
  });

  it('resets what is open and what is new while it refuses', async () => {
    const line = await connected();
    weather.refuse();
    await eventually(() => expect(line.state()).to.equal('ECONNRESET'));
    const other = call();
    await eventually(() => expect(other.state()).to.equal('ECONNRESET'));
    weather.heal();
    await connected();
  });

  it('resets both ends in the middle of a message, once', async () => {
    const line = await connected();
    weather.plan('reset mid-message');
    line.socket.write(long('b'));
    await eventually(() => expect(line.state()).to.equal('ECONNRESET'));
    await eventually(() => expect(calleeSees).to.deep.equal(['ECONNRESET']));
    expect(heard.slice(1).join('').length).to.be.at.most(100);
    expect(weather.mishaps()).to.equal(1);
    await connected();
  });

  it('drops the reply to a request that has had its effect, once', async () => {
    const line = await connected();
    weather.plan('drop the reply');
    line.socket.write(long('b'));
    await eventually(() => expect(line.state()).to.equal('ECONNRESET'));
    expect(heard).to.deep.equal(['a', long('b')]);
    expect(line.received()).to.equal('A');
    expect(weather.mishaps()).to.equal(1);
    await connected();
  });

  it('forgets what was planned and did not happen when it is healed', async () => {
    const line = await connected();
    weather.plan('reset mid-message');
    line.socket.write('housekeeping');
    await eventually(() => expect(line.received()).to.equal('AHOUSEKEEPING'));
    weather.heal();
    line.socket.write(long('b'));
    await eventually(() => expect(line.received()).to.have.length(213));
    expect(weather.mishaps()).to.equal(0);
  });

  it('holds a sender back whose bytes wait, and loses none of them', async () => {
    const line = await connected();
    weather.cut('up');
    const sent = 'x'.repeat(8 * 1024 * 1024);
    line.socket.write(sent);
    await pause(50);
    weather.heal();
    await eventually(() => expect(line.received().length).to.equal(sent.length + 1));
  });

  it('refuses to lead anywhere but to loopback', async () => {
    const outside = { address: '192.0.2.1', port: 80 };
    let problem: unknown;
    await openFaultProxy({ upstream: outside, weather }).catch((error: unknown) => {
      problem = error;
    });
    expect(String(problem)).to.match(/loopback only/);
  });
});
