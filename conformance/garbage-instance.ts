import { readFileSync } from 'node:fs';
import { createSecureServer, type Http2SecureServer, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import { join } from 'node:path';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:tls';
import { identityFiles } from '../mesh/security/workload-identity.js';

/** Ways to answer that no client should have to expect. */
export const garbage = {
  'random bytes where HTTP/2 should be': 'bytes',
  'a web page': 'page',
  'a message that is none': 'message',
  'half a message': 'half',
  'a message without end': 'endless',
  'a message that is announced as larger than any may be': 'oversize',
  'no status': 'no status',
  'a status that does not exist': 'strange status',
  'a reset': 'reset',
} as const;
export type Garbage = (typeof garbage)[keyof typeof garbage];

/** An instance of a service that shows its certificate, is registered and passes its check, and answers garbage. */
export interface GarbageInstance {
  /** Calls, or connections, that it has spoilt. */
  answered(): number;
  end(): Promise<void>;
}

export async function startGarbageInstance(options: {
  readonly service: string;
  readonly kind: Garbage;
  readonly dataFolder: string;
  readonly consulUrl: string;
}): Promise<GarbageInstance> {
  const { service, kind, dataFolder, consulUrl } = options;
  const files = identityFiles(join(dataFolder, 'certificates'), service);
  const tls = {
    cert: readFileSync(files.certificate),
    key: readFileSync(files.key),
    ca: readFileSync(files.ca),
    requestCert: true,
    ALPNProtocols: ['h2'],
  };
  let answered = 0;
  const sockets = new Set<Socket>();
  let server: TlsServer | Http2SecureServer;
  if (kind === 'bytes') {
    server = createTlsServer(tls, (socket) => {
      socket.on('error', () => undefined);
      socket.on('data', () => {
        answered += 1;
        socket.write(Buffer.from(Array.from({ length: 300 }, (_, index) => (index * 37) % 256)));
      });
    });
  } else {
    const http2 = createSecureServer({ ...tls, allowHTTP1: false });
    http2.on('sessionError', () => undefined);
    http2.on('stream', (stream) => {
      answered += 1;
      stream.on('error', () => undefined);
      stream.resume();
      answer(stream, kind);
    });
    server = http2;
  }
  server.on('secureConnection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const id = `${service}-garbage`;
  const put = async (path: string, body?: object) => {
    const sent = await fetch(`${consulUrl}/v1/agent/service/${path}`, {
      method: 'PUT',
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!sent.ok) throw new Error(`Consul says ${sent.status} to ${path}: ${await sent.text()}`);
  };
  await put('register', {
    ID: id,
    Name: service,
    Address: '127.0.0.1',
    Port: (server.address() as AddressInfo).port,
    Tags: ['meshmart', 'optional'],
    Meta: { version: '0.0.1', language: 'garbage', authority: service },
    Check: { TTL: '600s', Status: 'passing' },
  });
  return {
    answered: () => answered,
    end: async () => {
      await put(`deregister/${id}`);
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function answer(stream: ServerHttp2Stream, kind: Exclude<Garbage, 'bytes'>): void {
  const grpc = { ':status': 200, 'content-type': 'application/grpc+proto' };
  const frame = (length: number, bytes: Uint8Array) => {
    const head = Buffer.alloc(5);
    head.writeUInt32BE(length, 1);
    return Buffer.concat([head, bytes]);
  };
  const withStatus = (status: string | undefined, bytes: Uint8Array) => {
    stream.respond(grpc, { waitForTrailers: true });
    stream.on('wantTrailers', () =>
      stream.sendTrailers(status === undefined ? {} : { 'grpc-status': status }),
    );
    stream.end(bytes);
  };
  const nonsense = Buffer.from('ff'.repeat(64), 'hex');
  switch (kind) {
    case 'page':
      stream.respond({ ':status': 200, 'content-type': 'text/html' });
      stream.end('<html>It works!</html>');
      return;
    case 'message':
      withStatus('0', frame(nonsense.length, nonsense));
      return;
    case 'half':
      withStatus('0', frame(500, nonsense));
      return;
    case 'endless':
      stream.respond(grpc);
      stream.write(frame(100_000, nonsense));
      return;
    case 'oversize':
      stream.respond(grpc);
      stream.write(frame(0xffff_ffff, nonsense));
      return;
    case 'no status':
      withStatus(undefined, new Uint8Array());
      return;
    case 'strange status':
      withStatus('4711', frame(nonsense.length, nonsense));
      return;
    case 'reset':
      stream.close(2);
      return;
    default:
      kind satisfies never;
  }
}
