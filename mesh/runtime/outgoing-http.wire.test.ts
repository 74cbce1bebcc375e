import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { machineHttp, type OutgoingRequest } from './outgoing-http.js';

describe('HTTP to the outside', () => {
  let server: Server;
  let answer: (request: IncomingMessage, response: ServerResponse) => void;
  let connections: number;
  let url: URL;
  beforeEach(async () => {
    connections = 0;
    server = createServer((request, response) => answer(request, response));
    server.on('connection', () => {
      connections += 1;
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/things?of=me`);
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  const outgoing = machineHttp();
  const ask = (more: Partial<OutgoingRequest> = {}) =>
    outgoing({ method: 'GET', url, headers: {}, signal: new AbortController().signal, ...more });
  const failureOf = (call: Promise<unknown>) =>
    call.then(
      () => expect.fail('it was answered'),
      (error: unknown) => error,
    );

  it('sends method, path, headers and body, and gives back status and text', async () => {
    answer = (request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => {
        body += chunk.toString();
      });
      request.on('end', () => {
        response.statusCode = 418;
        response.end(`${request.method} ${request.url} ${request.headers['idempotency-key']} ${body}`);
      });
    };
    const told = await ask({ method: 'POST', headers: { 'idempotency-key': 'k' }, body: 'tëa' });
    expect(told).to.deep.equal({ status: 418, body: 'POST /v1/things?of=me k tëa' });
  });

  it('keeps its connection for the next request', async () => {
    answer = (_, response) => response.end('{}');
    for (let n = 0; n < 5; n += 1) await ask();
    expect(connections).to.equal(1);
  });

  it('does not follow a redirect', async () => {
    answer = (_, response) => response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end();
    expect((await ask()).status).to.equal(302);
  });

  it('ends with the reason of the signal, before and while it waits, and lets the connection go', async () => {
    let closed: Promise<unknown> | undefined;
    const asked = new Promise<void>((resolve) => {
      answer = (request) => {
        closed = once(request.socket, 'close');
        resolve();
      };
    });
    const ending = new AbortController();
    const call = failureOf(ask({ signal: ending.signal }));
    await asked;
    ending.abort('too late');
    expect(await call).to.equal('too late');
    await closed;
    expect(await failureOf(ask({ signal: ending.signal }))).to.equal('too late');
    expect(connections).to.equal(1);
  });

  it('fails when nobody listens, when the answer breaks off, and when it is too long', async () => {
    answer = (_, response) => {
      response.writeHead(200, { 'content-length': 100 });
      response.write('half', () => response.destroy());
    };
    expect(await failureOf(ask())).to.be.instanceOf(Error);
    answer = (_, response) => response.end('x'.repeat(1024 * 1024 + 1));
    expect(String(await failureOf(ask()))).to.contain('longer than 1048576 bytes');
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
    expect(String(await failureOf(ask()))).to.contain('ECONNREFUSED');
  });
});
