import { createServer } from 'node:http';
import type { AddressInfo, Server } from 'node:net';
import { SMTPServer } from 'smtp-server';
import { hostOf, listenError, portOf, required, run } from '../program.js';
import { type Mailbox, openMailbox } from './mailbox.js';
import { listPage, messagePage } from './page.js';

const host = hostOf();
const maxMessageBytes = 262_144;

run('mail-sink', {
  start: async () => {
    const smtpPort = portOf('MAIL_SINK_SMTP_PORT');
    const httpPort = portOf('MAIL_SINK_HTTP_PORT');
    const mailbox = openMailbox(required('MAIL_SINK_FILE'), () => new Date());
    const smtp = smtpServer(mailbox);
    // A sender that is killed resets its connection; that ends the connection, not the program.
    smtp.on('error', () => undefined);
    const http = httpServer(mailbox);
    await listen(smtp.server, smtpPort, 'MAIL_SINK_SMTP_PORT');
    await listen(http, httpPort, 'MAIL_SINK_HTTP_PORT');
    const portUsed = (server: Server) => (server.address() as AddressInfo).port;
    return {
      listening: {
        smtpUrl: `smtp://${host}:${portUsed(smtp.server)}`,
        httpUrl: `http://${host}:${portUsed(http)}`,
      },
      close: async () => {
        http.closeAllConnections();
        await Promise.all([
          new Promise((resolve) => http.close(resolve)),
          new Promise<void>((resolve) => smtp.close(() => resolve())),
        ]);
      },
    };
  },
});

function listen(server: Server, port: number, variable: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(listenError(error, variable, port)));
    server.listen(port, host, resolve);
  });
}

function smtpServer(mailbox: Mailbox): SMTPServer {
  return new SMTPServer({
    authOptional: true,
    disabledCommands: ['AUTH', 'STARTTLS'],
    disableReverseLookup: true,
    size: maxMessageBytes,
    maxClients: 100,
    socketTimeout: 10_000,
    onData: (stream, session, done) => {
      const chunks: Buffer[] = [];
      let length = 0;
      stream.on('data', (chunk: Buffer) => {
        length += chunk.length;
        if (length <= maxMessageBytes) chunks.push(chunk);
      });
      stream.on('end', () => {
        if (stream.sizeExceeded || length > maxMessageBytes) {
          done(Object.assign(new Error('the message is too large'), { responseCode: 552 }));
          return;
        }
        const { mailFrom, rcptTo } = session.envelope;
        mailbox.receive(
          mailFrom === false ? '' : mailFrom.address,
          rcptTo.map((recipient) => recipient.address),
          Buffer.concat(chunks).toString(),
        );
        done();
      });
    },
  });
}

function httpServer(mailbox: Mailbox) {
  return createServer(
    { requestTimeout: 10_000, headersTimeout: 5_000, maxHeaderSize: 8_192 },
    (request, response) => {
      const url = new URL(request.url ?? '/', 'http://mail');
      const json = (value: unknown) =>
        response.writeHead(200, { 'content-type': 'application/json' }).end(`${JSON.stringify(value)}\n`);
      const html = (text: string) =>
        response
          .writeHead(200, {
            'content-type': 'text/html; charset=utf-8',
            'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'",
            'x-content-type-options': 'nosniff',
          })
          .end(text);
      const [, number] = /^\/messages\/(\d+)$/.exec(url.pathname) ?? [];
      const mail = mailbox.messages().find((candidate) => candidate.number === Number(number));
      if (request.method !== 'GET') response.writeHead(405, { allow: 'GET' }).end();
      else if (url.pathname === '/') html(listPage(mailbox.messages()));
      else if (mail !== undefined) html(messagePage(mail));
      else if (url.pathname === '/v1/messages')
        json({ messages: mailbox.messages(url.searchParams.get('to') ?? undefined) });
      else if (url.pathname === '/v1/messages/summary') json(mailbox.summary());
      else if (url.pathname === '/healthz') json({ status: 'alive' });
      else response.writeHead(404).end();
    },
  );
}
