import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { machineHttp } from '../../mesh/runtime/outgoing-http.js';
import { type RestClient, restClient } from './rest-client.js';
import { CallFailure } from './shop-client.js';

const total = { currencyCode: 'EUR', units: '12', nanos: 500_000_000 };
const order = {
  id: 'ord_1',
  state: 'ORDER_STATE_SHIPPED',
  version: '5',
  lines: [{ productId: 'lamp', quantity: 2 }],
  total,
};

describe('a buyer over REST', () => {
  let server: Server;
  let answer: (request: IncomingMessage, response: ServerResponse) => void;
  let client: RestClient;

  beforeEach(async () => {
    server = createServer((request, response) => answer(request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    client = restClient({
      shopUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      token: 'token',
      answerWithinMs: 200,
      http: machineHttp(),
    });
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  const json = (body: unknown, status = 200) => {
    answer = (_request, response) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    };
  };
  const failure = async (): Promise<CallFailure> => {
    try {
      await client.placeOrder('key', 'tok_1');
    } catch (error) {
      if (error instanceof CallFailure) return error;
      throw error;
    }
    throw new Error('it went well');
  };

  it('reads an order, and takes the same bytes for the same answer', async () => {
    json({ order }, 201);
    const [first, again] = [await client.placeOrder('key', 'tok_1'), await client.placeOrder('key', 'tok_1')];
    expect(first.order).to.deep.equal({
      id: 'ord_1',
      state: 'SHIPPED',
      version: 5,
      lines: order.lines,
      total: 'EUR 12.500000000',
    });
    expect(again.bytes).to.equal(first.bytes);
    json({ order: { ...order, version: '6' } }, 201);
    expect((await client.placeOrder('key', 'tok_1')).bytes).to.not.equal(first.bytes);
  });

  it('reads all pages of orders', async () => {
    answer = (request, response) => {
      const last = request.url?.includes('pageToken=two') === true;
      response.end(
        JSON.stringify(last ? { orders: [order] } : { orders: [order, order], nextPageToken: 'two' }),
      );
    };
    expect(await client.orders()).to.have.length(3);
  });

  it('knows that a refusal is one', async () => {
    json({ reason: 'CART_EMPTY' }, 409);
    expect(await failure()).to.include({ outcome: 'fail', reason: 'CART_EMPTY' });
    json({ reason: 'IDEMPOTENCY_KEY_REUSED' }, 422);
    expect(await failure()).to.include({ outcome: 'fail' });
  });

  for (const status of [500, 502, 503, 504, 499, 429, 408]) {
    it(`does not take ${status} for a refusal: nobody knows`, async () => {
      json({ reason: 'SOMETHING' }, status);
      expect(await failure()).to.include({ outcome: 'info' });
    });
  }

  it('does not know what happened when another change was quicker, or the answer is not whole', async () => {
    json({ reason: 'CONFLICT' }, 409);
    expect(await failure()).to.include({ outcome: 'info' });
    answer = (_request, response) => response.end('{"order": {"id":');
    expect(await failure()).to.include({ outcome: 'info', reason: 'BROKEN_ANSWER' });
  });

  it('does not know what happened when no answer comes, or the connection breaks', async () => {
    answer = () => undefined;
    expect(await failure()).to.include({ outcome: 'info', reason: 'TimeoutError' });
    answer = (_request, response) => response.socket?.resetAndDestroy();
    expect(await failure()).to.include({ outcome: 'info' });
  });
});
