import type { Socket } from 'node:net';
import { expect } from 'chai';
import { MeshError } from '../contract/error.js';
import { eventually } from '../testing/eventually.js';
import { type SmtpMailOptions, type SmtpMailSender, smtpMailSender } from './mail.js';
import { politely, type ScriptedSmtp, type SmtpScript, startScriptedSmtp } from './scripted-smtp.test.js';
import { StartupError } from './startup-error.js';

describe('mail by SMTP', () => {
  let server: ScriptedSmtp;
  let address: string;
  let sender: SmtpMailSender;
  afterEach(async () => {
    sender.close();
    await server.stop();
  });

  const start = async (script?: SmtpScript, options?: SmtpMailOptions) => {
    server = await startScriptedSmtp(script);
    address = `smtp://127.0.0.1:${server.port}`;
    sender = smtpMailSender(() => address, 'Shop <shop@example.com>', options);
  };
  const send = (id: string) =>
    sender.send({ messageId: `<${id}@shop>`, to: 'ada@example.com', subject: 'Hello', text: 'Hello, Ada' });
  const failureOf = (work: Promise<void>) => work.then(() => undefined).catch((error: unknown) => error);
  const refusal = async (work: Promise<void>) => {
    const error = await failureOf(work);
    return MeshError.is(error) ? error.code : error;
  };

  it('goes over one connection, in order', async () => {
    await start();
    for (const id of ['1', '2', '3', '4']) await send(id);
    expect([server.received, server.connections()]).to.deep.equal([
      ['1@shop', '2@shop', '3@shop', '4@shop'],
      1,
    ]);
  });

  it('goes over one connection when several are sent at once', async () => {
    await start();
    await Promise.all(['1', '2', '3'].map(send));
    expect([[...server.received].sort(), server.connections()]).to.deep.equal([
      ['1@shop', '2@shop', '3@shop'],
      1,
    ]);
  });

  it('goes over a new one, once, when the server has ended the idle one and that was noticed', async () => {
    await start();
    await send('1');
    server.drop();
    await eventually(() => expect(server.open()).to.equal(0));
    await send('2');
    expect([server.received, server.connections()]).to.deep.equal([['1@shop', '2@shop'], 2]);
  });

  for (const end of ['end', 'destroy', 'resetAndDestroy'] as const) {
    it(`goes over a new one, once, when the server ends the kept one at the next mail (${end})`, async () => {
      let mails = 0;
      await start((command, connection, socket) => {
        if (command === 'MAIL') mails += 1;
        if (command !== 'MAIL' || connection > 1 || mails === 1) return politely(command);
        socket[end]();
        return undefined;
      });
      await send('1');
      await send('2');
      expect([server.received, server.connections()]).to.deep.equal([['1@shop', '2@shop'], 2]);
    });
  }

  it('goes over a new one when the server says 421 to the kept one', async () => {
    let mails = 0;
    await start((command, connection, socket) => {
      if (command === 'MAIL') mails += 1;
      if (command !== 'MAIL' || connection > 1 || mails === 1) return politely(command);
      socket.end('421 idle for too long\r\n');
      return undefined;
    });
    await send('1');
    await send('2');
    expect([server.received, server.connections()]).to.deep.equal([['1@shop', '2@shop'], 2]);
  });

  it('is tried on one more connection and not on a third', async () => {
    let broken = false;
    await start((command, _, socket) => {
      if (command !== 'MAIL' || !broken) return politely(command);
      socket.destroy();
      return undefined;
    });
    await send('1');
    broken = true;
    expect(await refusal(send('2'))).to.equal('UNAVAILABLE');
    expect(server.connections()).to.equal(2);
    broken = false;
    await send('2');
    expect(server.received).to.deep.equal(['1@shop', '2@shop']);
  });

  it('is not sent again when the connection broke after the mail: the server may have it', async () => {
    await start((command, connection, socket) => {
      if (command !== 'DATA-END' || connection > 1 || server.received.length < 2) return politely(command);
      socket.destroy();
      return undefined;
    });
    await send('1');
    expect(await refusal(send('2'))).to.equal('UNAVAILABLE');
    // Were it to be sent again, that would be within a moment: the next mail comes after it.
    await send('3');
    expect(server.received).to.deep.equal(['1@shop', '2@shop', '3@shop']);
  });

  it('is not sent again when the connection broke amid the mail', async () => {
    await start((command, connection, socket) => {
      if (command !== 'DATA' || connection > 1 || server.received.length < 1) return politely(command);
      socket.write('354 go on\r\n');
      // Before the rest of the mail is looked at.
      socket.prependOnceListener('data', () => socket.destroy());
      return undefined;
    });
    await send('1');
    expect(await refusal(send('2'))).to.equal('UNAVAILABLE');
    await send('3');
    expect(server.received.filter((id) => id === '2@shop')).to.have.length(1);
    expect([server.received.at(-1), server.connections()]).to.deep.equal(['3@shop', 2]);
  });

  for (const where of ['EHLO', 'MAIL', 'DATA', 'DATA-END', 'QUIT']) {
    it(`is UNAVAILABLE in its time when the server hangs at ${where}, and the next one goes over a new connection`, async () => {
      let hanging = false;
      const hung: Socket[] = [];
      await start(
        (command, _, socket) => {
          if (!hanging || command !== where) return politely(command);
          hung.push(socket);
          return undefined;
        },
        { mailWithinMs: 200, idleMs: 50 },
      );
      if (where !== 'EHLO') await send('1');
      hanging = true;
      // An idle connection that is not let go does not keep the next mail longer than a mail may take.
      if (where === 'QUIT') await eventually(() => expect(hung).to.have.length(1));
      const startedMs = performance.now();
      expect(await refusal(send('2'))).to.equal('UNAVAILABLE');
      expect(performance.now() - startedMs).to.be.within(150, 1_500);
      hanging = false;
      await send('3');
      expect(server.received.at(-1)).to.equal('3@shop');
      await eventually(() =>
        expect(hung.every((socket) => socket.destroyed || socket.readableEnded)).to.equal(true),
      );
    });
  }

  it('is UNAVAILABLE in its time when the server answers without ever coming to an end', async () => {
    const drips: NodeJS.Timeout[] = [];
    let connectionOfDrip = 0;
    await start(
      (command, connection, socket) => {
        if (command !== 'DATA-END' || (connectionOfDrip !== 0 && connection !== connectionOfDrip))
          return politely(command);
        connectionOfDrip = connection;
        drips.push(setInterval(() => socket.write('250-wait\r\n'), 20));
        return undefined;
      },
      { mailWithinMs: 200 },
    );
    expect(await refusal(send('1'))).to.equal('UNAVAILABLE');
    await send('2');
    for (const drip of drips) clearInterval(drip);
    expect(server.connections()).to.equal(2);
  });

  it('that waits behind one that hangs is bounded too', async () => {
    await start((command) => (command === 'DATA-END' ? undefined : politely(command)), { mailWithinMs: 200 });
    const startedMs = performance.now();
    const codes = await Promise.all(['1', '2', '3'].map((id) => refusal(send(id))));
    expect(codes).to.deep.equal(['UNAVAILABLE', 'UNAVAILABLE', 'UNAVAILABLE']);
    expect(performance.now() - startedMs).to.be.below(1_500);
  });

  it('is UNAVAILABLE while the server is away, and goes when it is back', async () => {
    await start();
    await send('1');
    const { port } = server;
    await server.stop();
    expect(await refusal(send('2'))).to.equal('UNAVAILABLE');
    server = await startScriptedSmtp(undefined, port);
    await send('3');
    expect(server.received).to.deep.equal(['3@shop']);
  });

  it('goes at once when the server was restarted between two', async () => {
    await start();
    await send('1');
    const { port } = server;
    await server.stop();
    server = await startScriptedSmtp(undefined, port);
    await send('2');
    expect(server.received).to.deep.equal(['2@shop']);
  });

  it('that the server refuses is UNAVAILABLE, and the next one goes', async () => {
    await start((command) =>
      command === 'RCPT' && server.connections() === 1 ? '550 unknown' : politely(command),
    );
    expect(await refusal(send('1'))).to.equal('UNAVAILABLE');
    await send('2');
    expect(server.received).to.deep.equal(['2@shop']);
  });

  it('goes to where the server is now', async () => {
    await start();
    await send('1');
    const other = await startScriptedSmtp();
    address = `smtp://127.0.0.1:${other.port}`;
    await send('2');
    expect(other.received).to.deep.equal(['2@shop']);
    await eventually(() => expect(server.open()).to.equal(0));
    sender.close();
    await other.stop();
  });

  it('keeps no connection for longer than it may be idle, and none when it ends', async () => {
    await start(undefined, { idleMs: 50 });
    await send('1');
    await eventually(() => expect(server.open()).to.equal(0));
    await send('2');
    sender.close();
    await eventually(() => expect(server.open()).to.equal(0));
  });

  it('is refused an address that is none', async () => {
    await start();
    address = 'localhost:25';
    const error = await failureOf(send('1'));
    expect(error).to.be.instanceOf(StartupError);
    expect((error as Error).message).to.equal("SMTP_URL is 'localhost:25': write it as smtp://host:port");
  });
});
