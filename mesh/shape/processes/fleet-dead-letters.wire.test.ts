import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { MeshError } from '../../contract/error.js';
import { createFleetDeadLetters } from './fleet-dead-letters.js';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;
const json =
  (status: number, body: unknown): Answer =>
  (_, response) =>
    void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));

describe('the dead letters of a mesh of processes', () => {
  const servers: Server[] = [];
  let asked: string[] = [];
  /** An instance that answers so; gives its admin port's address. */
  const instance = async (name: string, answer: Answer): Promise<string> => {
    const server = createServer((request, response) => {
      asked.push(`${name} ${request.method} ${request.url} ${request.headers.authorization}`);
      answer(request, response);
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  };
  const gone = 'http://127.0.0.1:1';
  const fleet = (urls: Readonly<Record<string, readonly string[]>>) =>
    createFleetDeadLetters({
      groups: Object.keys(urls),
      adminUrlsOf: (group) => urls[group] ?? [],
      token: 't',
      fetch: globalThis.fetch,
    });
  beforeEach(() => {
    asked = [];
  });
  afterEach(() => {
    for (const server of servers.splice(0)) {
      server.closeAllConnections();
      server.close();
    }
  });

  it('come from one instance of each group, which is asked with the token', async () => {
    const letters = json(200, { deadLetters: [{ id: 'm1' }] });
    const [cart, second] = [await instance('cart-1', letters), await instance('cart-2', letters)];
    const mail = await instance('mail-1', json(200, { deadLetters: [] }));
    const queues = fleet({ cart: [cart, second], mail: [mail] });
    expect(await queues.list()).to.deep.equal([{ id: 'm1' }]);
    expect(await queues.counts()).to.deep.equal({ cart: 1, mail: 0 });
    expect(asked).to.include.members([
      'cart-1 GET /dead-letters?group=cart Bearer t',
      'mail-1 GET /dead-letters?group=mail Bearer t',
    ]);
    expect(asked.join()).to.not.include('cart-2');
  });

  it('are shown and replayed by the next instance when one is gone, or can not', async () => {
    const away = json(503, { title: 'the bus is away', detail: 'try again' });
    const queues = fleet({
      cart: [gone, await instance('cart-2', away), await instance('cart-3', json(200, { id: 'm1' }))],
    });
    expect(await queues.show('cart', 'm1')).to.deep.equal({ id: 'm1' });
    await queues.replay('cart', 'a/b&c');
    expect(asked.at(-1)).to.equal('cart-3 POST /dead-letters/replay?group=cart&id=a%2Fb%26c Bearer t');
  });

  it('that are not there are NOT_FOUND at once, in the words of the instance', async () => {
    const none = json(404, { title: 'cart has no dead letter m1', detail: 'list them first' });
    const queues = fleet({ cart: [await instance('cart-1', none), await instance('cart-2', none)] });
    const error = await queues.replay('cart', 'm1').catch((thrown: unknown) => thrown);
    expect(MeshError.is(error) && [error.code, error.message]).to.deep.equal([
      'NOT_FOUND',
      'cart has no dead letter m1: list them first',
    ]);
    expect(asked).to.have.length(1);
  });

  it('are UNAVAILABLE when nobody answers, and left out of the counts', async () => {
    const queues = fleet({ cart: [gone], mail: [await instance('mail-1', json(200, { deadLetters: [] }))] });
    const error = await queues.list().catch((thrown: unknown) => thrown);
    expect(MeshError.is(error) && [error.code, error.message]).to.deep.equal([
      'UNAVAILABLE',
      'no instance of cart answers: look at meshmart status',
    ]);
    expect(await queues.counts()).to.deep.equal({ mail: 0 });
  });

  it('of a group that hangs do not hold up the counts of the others', async () => {
    const queues = fleet({
      cart: [await instance('cart-1', () => undefined)],
      mail: [await instance('mail-1', json(200, { deadLetters: [] }))],
    });
    const startedMs = performance.now();
    expect(await queues.counts()).to.deep.equal({ mail: 0 });
    expect(performance.now() - startedMs).to.be.below(1_500);
  });

  it('of a service that consumes nothing are refused without asking anybody', async () => {
    const queues = fleet({ cart: [gone] });
    const error = await queues.show('order', 'm1').catch((thrown: unknown) => thrown);
    expect(MeshError.is(error) && error.message).to.equal(
      "no service 'order' consumes events: use one of cart",
    );
  });
});
