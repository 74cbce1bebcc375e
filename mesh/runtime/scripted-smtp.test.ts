import { type AddressInfo, createServer, type Socket } from 'node:net';

/** What a scripted mail server does when a command comes: answers, or something worse. `DATA-END` is the end of a mail. */
export type SmtpScript = (command: string, connection: number, socket: Socket) => string | undefined;

/** A mail server that does what a test wants, and counts. */
export interface ScriptedSmtp {
  readonly port: number;
  /** Message-IDs of the mails that came to their end, in order, whatever was answered. */
  readonly received: readonly string[];
  /** Connections that were made. */
  connections(): number;
  /** Connections that are open. */
  open(): number;
  /** Ends all connections. */
  drop(): void;
  stop(): Promise<void>;
}

const polite: Readonly<Record<string, string>> = {
  EHLO: '250 shop',
  MAIL: '250 ok',
  RCPT: '250 ok',
  DATA: '354 go on',
  'DATA-END': '250 taken',
  QUIT: '221 bye',
  RSET: '250 ok',
};

/** Starts a server. @param script gives the answer to a command; with undefined there is none. Default: a polite one. */
export async function startScriptedSmtp(
  script: SmtpScript = (command) => polite[command],
  port = 0,
): Promise<ScriptedSmtp> {
  const sockets = new Set<Socket>();
  const received: string[] = [];
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    const number = connections;
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    socket.on('error', () => undefined);
    const say = (command: string) => {
      const answer = script(command, number, socket);
      if (answer !== undefined && socket.writable) socket.write(`${answer}\r\n`);
    };
    socket.write('220 shop\r\n');
    let text = '';
    let inMail = false;
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      for (;;) {
        const end = text.indexOf(inMail ? '\r\n.\r\n' : '\r\n');
        if (end < 0) return;
        const part = text.slice(0, end);
        text = text.slice(end + (inMail ? 5 : 2));
        if (inMail) {
          received.push(/^Message-ID: <(.*)>/im.exec(part)?.[1] ?? '');
          inMail = false;
          say('DATA-END');
          continue;
        }
        const command = part.slice(0, 4).toUpperCase();
        inMail = command === 'DATA';
        say(command);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const drop = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    received,
    connections: () => connections,
    open: () => sockets.size,
    drop,
    stop: () => {
      drop();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** The polite answer to a command, for scripts that are rude to some. */
export const politely = (command: string): string | undefined => polite[command];
