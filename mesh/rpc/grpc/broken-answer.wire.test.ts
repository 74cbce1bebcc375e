import { once } from 'node:events';
import { createServer, type Http2Server, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import { expect } from 'chai';
import { MeshError } from '../../contract/error.js';
import { echoPolicy } from '../echo-contract.test.js';
import type { Wire } from '../wire.js';
import { grpcWire } from './channel-wire.js';

const trailersOnly = { ':status': 200, 'content-type': 'application/grpc' };

describe('a call whose answer breaks off', () => {
  let server: Http2Server;
  let wire: Wire;
  let socket: Socket;
  let calls: number;
  /** What the server does with the first call; it answers all others with an empty message. */
  let first: (stream: ServerHttp2Stream) => void;

  beforeEach(async () => {
    calls = 0;
    server = createServer();
    server.on('connection', (connected: Socket) => {
      socket = connected;
    });
    server.on('stream', (stream) => {
      stream.on('error', () => undefined);
      calls += 1;
      if (calls === 1) first(stream);
      else answer(stream);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    wire = grpcWire(`127.0.0.1:${(server.address() as AddressInfo).port}`, {
      channel: { 'grpc.initial_reconnect_backoff_ms': 100 },
    });
  });
  afterEach(() => {
    wire.close();
    server.close();
  });

  const answer = (stream: ServerHttp2Stream) => {
    stream.respond(trailersOnly, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    stream.end(Buffer.alloc(5));
  };
  /** Headers, a message if there is one, and then the connection goes. */
  const breakAfter = (message: Buffer) => (stream: ServerHttp2Stream) => {
    stream.respond(trailersOnly);
    stream.write(message);
    setTimeout(() => socket.destroy(), 30);
  };
  const call = (idempotency: 'idempotent' | 'no_side_effects' | 'unknown', signal?: AbortSignal) =>
    wire
      .call({
        method: echoPolicy('say', { idempotency }),
        body: new Uint8Array(),
        metadata: {},
        deadlineMs: Date.now() + 5_000,
        signal: signal ?? new AbortController().signal,
      })
      .then(
        () => 'OK',
        (error: unknown) => MeshError.from(error).code,
      );

  for (const idempotency of ['no_side_effects', 'idempotent'] as const) {
    for (const [where, message] of [
      ['in the middle of its message', Buffer.from([0, 0, 0])],
      ['before its status', Buffer.alloc(5)],
    ] as const) {
      it(`${where} is made again when it is ${idempotency}`, async () => {
        first = breakAfter(message);
        expect(await call(idempotency)).to.equal('OK');
        expect(calls).to.equal(2);
      });
    }
  }

  it('or is larger than is taken is a failure of the callee, not of the caller', async () => {
    first = (stream) => {
      stream.respond(trailersOnly);
      stream.write(Buffer.from([0, 0xff, 0xff, 0xff, 0xff, 1]));
    };
    expect(await call('unknown')).to.equal('INTERNAL');
  });

  it('because the callee cut it is made again too', async () => {
    first = (stream) => stream.close(8);
    expect(await call('idempotent')).to.equal('OK');
    expect(calls).to.equal(2);
  });

  it('is not made again when that could do harm', async () => {
    first = breakAfter(Buffer.alloc(5));
    expect(await call('unknown')).to.equal('UNAVAILABLE');
    expect(calls).to.equal(1);
  });

  it('is not made again for a caller that has gone', async () => {
    const ending = new AbortController();
    first = () => ending.abort();
    expect(await call('idempotent', ending.signal)).to.equal('CANCELLED');
    expect(calls).to.equal(1);
  });

  it('is made again only once', async () => {
    first = breakAfter(Buffer.alloc(5));
    server.removeAllListeners('stream');
    server.on('stream', (stream) => {
      stream.on('error', () => undefined);
      calls += 1;
      first(stream);
    });
    expect(await call('idempotent')).to.equal('UNAVAILABLE');
    expect(calls).to.equal(2);
  });

  it('is not made again when the callee itself said that it is unavailable', async () => {
    first = (stream) => {
      stream.respond({ ...trailersOnly, 'grpc-status': '14' }, { endStream: true });
    };
    expect(await call('idempotent')).to.equal('UNAVAILABLE');
    expect(calls).to.equal(1);
  });
});
