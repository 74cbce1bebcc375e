import type { AddressInfo, Server, Socket } from 'node:net';
import { expect } from 'chai';
import { SMTPServer } from 'smtp-server';
import { MeshError } from '../contract/error.js';
import { eventually } from '../testing/eventually.js';
import { type SmtpMailSender, smtpMailSender } from './mail.js';
import { StartupError } from './startup-error.js';

/** A mail server that counts. */
async function startServer(port = 0) {
  const sockets = new Set<Socket>();
  const received: string[] = [];
  let connections = 0;
  const smtp = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    closeTimeout: 10,
    onData: (stream, _session, done) => {
      let text = '';
      stream.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
      stream.on('end', () => {
        received.push(/^Message-ID: <(.*)>/im.exec(text)?.[1] ?? '');
        done();
      });
    },
  });
  const server = smtp.server as Server;
  smtp.on('error', () => undefined);
  server.on('connection', (socket: Socket) => {
    connections += 1;
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => smtp.listen(port, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    received,
    connections: () => connections,
    open: () => sockets.size,
    /** Ends all connections, as a server does that is restarted. */
    drop: () => {
      for (const socket of sockets) socket.destroy();
    },
    stop: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise<void>((resolve) => smtp.close(() => resolve()));
    },
  };
}

describe('mail by SMTP', () => {
  let server: Awaited<ReturnType<typeof startServer>>;
  let address: string;
  let sender: SmtpMailSender;
  beforeEach(async () => {
    server = await startServer();
    address = `smtp://127.0.0.1:${server.port}`;
    sender = smtpMailSender(() => address, 'Shop <shop@example.com>');
  });
  afterEach(async () => {
    sender.close();
    await server.stop();
  });
  const send = (id: string) =>
    sender.send({ messageId: `<${id}@shop>`, to: 'ada@example.com', subject: 'Hello', text: 'Hello, Ada' });
  const failureOf = (work: Promise<void>) => work.then(() => undefined).catch((error: unknown) => error);

  it('goes over one connection, in order', async () => {
    for (const id of ['1', '2', '3', '4']) await send(id);
    expect(server.received).to.deep.equal(['1@shop', '2@shop', '3@shop', '4@shop']);
    expect(server.connections()).to.equal(1);
  });

  it('goes over a new one when the server has ended the last, and is sent once', async () => {
    await send('1');
    server.drop();
    await eventually(async () => {
      if (!server.received.includes('2@shop')) await send('2');
    });
    expect(server.received).to.deep.equal(['1@shop', '2@shop']);
    expect(server.connections()).to.equal(2);
  });

  it('is UNAVAILABLE while the server is away, and goes when it is back', async () => {
    await send('1');
    const { port } = server;
    await server.stop();
    const error = await failureOf(send('2'));
    expect(MeshError.is(error) && error.code).to.equal('UNAVAILABLE');
    server = await startServer(port);
    await eventually(() => send('3'));
    expect(server.received).to.deep.equal(['3@shop']);
  });

  it('goes to where the server is now', async () => {
    await send('1');
    const other = await startServer();
    address = `smtp://127.0.0.1:${other.port}`;
    await send('2');
    expect(other.received).to.deep.equal(['2@shop']);
    await eventually(() => expect(server.open()).to.equal(0));
    sender.close();
    await other.stop();
  });

  it('keeps no connection when it ends', async () => {
    await send('1');
    expect(server.open()).to.equal(1);
    sender.close();
    await eventually(() => expect(server.open()).to.equal(0));
  });

  it('is refused an address that is none', async () => {
    address = 'localhost:25';
    const error = await failureOf(send('1'));
    expect(error).to.be.instanceOf(StartupError);
    expect((error as Error).message).to.equal("SMTP_URL is 'localhost:25': write it as smtp://host:port");
  });
});
