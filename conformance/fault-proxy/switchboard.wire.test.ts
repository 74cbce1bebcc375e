import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { expect } from 'chai';
import { switchboardDetour } from '../../mesh/discovery/detour.js';
import { machineHttp } from '../../mesh/runtime/outgoing-http.js';
import { eventually } from '../../mesh/testing/eventually.js';
import { openSwitchboard, type Switchboard } from './switchboard.js';

describe('a switchboard of fault proxies', () => {
  let callee: Server;
  let upstream: { address: string; port: number };
  let switchboard: Switchboard;

  beforeEach(async () => {
    callee = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.pipe(socket);
    });
    await new Promise<void>((resolve) => callee.listen(0, '127.0.0.1', resolve));
    upstream = { address: '127.0.0.1', port: (callee.address() as AddressInfo).port };
    switchboard = await openSwitchboard(() => 0);
  });
  afterEach(async () => {
    await switchboard.close();
    callee.close();
  });

  const detour = (caller: string, callee: string) =>
    switchboardDetour(switchboard.url, caller, machineHttp())(callee, upstream);
  const echo = (port: number) => {
    const socket = connect(port, '127.0.0.1');
    let text = '';
    socket.on('data', (bytes) => {
      text += bytes.toString();
    });
    socket.on('error', () => undefined);
    socket.write('hello');
    return { text: () => text, end: () => socket.destroy() };
  };

  it('gives each caller a proxy of its own to the same callee, and the same one again', async () => {
    const [one, again, other] = [
      await detour('order', 'payment'),
      await detour('order', 'payment'),
      await detour('gateway', 'payment'),
    ];
    expect(one).to.deep.equal(again);
    expect(other.port).to.not.equal(one.port);
    expect(switchboard.edges()).to.deep.equal([
      { caller: 'order', callee: 'payment' },
      { caller: 'gateway', callee: 'payment' },
    ]);
  });

  it('cuts one edge, and leaves the other callers of the same callee alone', async () => {
    const [order, gateway] = [await detour('order', 'payment'), await detour('gateway', 'payment')];
    switchboard.weather({ caller: 'order', callee: 'payment' }).cut('up', 'down');
    const [cut, fair] = [echo(order.port), echo(gateway.port)];
    await eventually(() => expect(fair.text()).to.equal('hello'));
    expect(cut.text()).to.equal('');
    switchboard.heal();
    await eventually(() => expect(cut.text()).to.equal('hello'));
    for (const { end } of [cut, fair]) end();
  });

  it('leads to a server that is found by a setting', async () => {
    const port = await switchboard.lead({ caller: '*', callee: 'redis' }, upstream);
    const line = echo(port);
    await eventually(() => expect(line.text()).to.equal('hello'));
    line.end();
  });

  it('answers 400 to who asks for something else', async () => {
    for (const path of ['/', '/edge', '/edge?caller=a&callee=b&address=192.0.2.1&port=80']) {
      const answer = await fetch(`${switchboard.url}${path}`);
      expect(answer.status, path).to.equal(400);
    }
  });
});
