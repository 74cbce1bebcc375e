import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { expect } from 'chai';
import { freePort } from '../mesh/testing/free-port.js';
import { type TemporaryFolder, temporaryFolder } from '../mesh/testing/temporary-folder.js';
import { complaintOf } from './complaint.js';
import { runMeshmart, type ShopProcess, startShop } from './shop-process.js';

describe('meshmart up', function () {
  this.timeout(30_000);
  let folder: TemporaryFolder;
  let blocker: Server | undefined;
  let ports: { http: number; grpc: number; admin: number };
  const environment = () => ({
    PORT: String(ports.http),
    GRPC_PORT: String(ports.grpc),
    ADMIN_PORT: String(ports.admin),
    MESHMART_DATA: folder.path,
  });

  beforeEach(async () => {
    folder = temporaryFolder();
    ports = { http: await freePort(), grpc: await freePort(), admin: await freePort() };
  });
  afterEach(() => {
    blocker?.close();
    blocker = undefined;
    folder.remove();
  });

  for (const [which, variable] of [
    ['http', 'PORT'],
    ['grpc', 'GRPC_PORT'],
    ['admin', 'ADMIN_PORT'],
  ] as const) {
    it(`names ${variable} in one line when its port is taken`, async () => {
      const server = createServer();
      blocker = server;
      await new Promise<void>((resolve) => server.listen(ports[which], '127.0.0.1', resolve));
      expect(await complaintOf(['up'], environment())).to.match(
        new RegExp(`port ${ports[which]} is taken.*${variable}`),
      );
    });
  }

  const wrong: [what: string, settings: Record<string, string>, says: RegExp][] = [
    ['a port that is no number', { PORT: 'eighty' }, /PORT is 'eighty': give a port from 0 to 65535/],
    ['a port that is too high', { GRPC_PORT: '70000' }, /GRPC_PORT is '70000'/],
    [
      'an unknown exporter',
      { TRACES_EXPORTER: 'zipkin' },
      /TRACES_EXPORTER is 'zipkin': use one of off, none, otlp, jaeger/,
    ],
    [
      'a card processor at no URL',
      { CARD_PROCESSOR_URL: 'nope' },
      /CARD_PROCESSOR_URL is 'nope': give a URL/,
    ],
    ['a mail server of another kind', { SMTP_URL: 'ftp://x' }, /SMTP_URL is 'ftp:\/\/x': give .* smtp:/],
    [
      'a collector of spans at no URL',
      { TRACES_EXPORTER: 'otlp', OTEL_EXPORTER_OTLP_ENDPOINT: 'here' },
      /OTEL_EXPORTER_OTLP_ENDPOINT is 'here': give a URL/,
    ],
    ['a mode that a witness does not know', { CARD_PROCESSOR_IDEMPOTENCY: 'no' }, /use honour or ignore/],
    ['a host that is none', { HOST: 'nope.invalid' }, /can't listen on nope\.invalid.*: check HOST/],
    ['an unknown log level', { LOG_LEVEL: 'loud' }, /LOG_LEVEL is 'loud'/],
  ];
  for (const [what, settings, says] of wrong) {
    it(`refuses ${what} in one line`, async () => {
      expect(await complaintOf(['up'], { ...environment(), ...settings })).to.match(says);
    });
  }

  it('refuses a data folder that is a file', async () => {
    const file = join(folder.path, 'file');
    writeFileSync(file, '');
    expect(await complaintOf(['up'], { ...environment(), MESHMART_DATA: file })).to.match(
      /data folder .* can't be used .*MESHMART_DATA/,
    );
  });

  it('refuses a secret that others can read', async () => {
    mkdirSync(join(folder.path, 'secrets'), { recursive: true });
    const secret = join(folder.path, 'secrets', 'users-signing-key');
    writeFileSync(secret, new Uint8Array(32));
    chmodSync(secret, 0o644);
    expect(await complaintOf(['up'], environment())).to.match(
      /users-signing-key can be read by others: run chmod 600/,
    );
  });

  it('refuses a database that is none', async () => {
    mkdirSync(join(folder.path, 'order'), { recursive: true });
    writeFileSync(
      join(folder.path, 'order', 'order.db'),
      'this is no database, and long enough to be looked at as one',
    );
    expect(await complaintOf(['up'], environment())).to.match(/order\.db can't be opened/);
  });

  it('refuses a shape and a command that do not exist', async () => {
    expect(await complaintOf(['up', '--shape', 'swarm'], environment())).to.match(/no shape 'swarm'/);
    expect(await complaintOf(['upp'], environment())).to.match(
      /no command 'upp': use one of up, serve, down/,
    );
  });

  it('refuses a second mesh on one data folder, and down ends the first', async () => {
    const shop: ShopProcess = await startShop({ dataFolder: folder.path, ports });
    const other = { ...environment(), PORT: '0', GRPC_PORT: '0', ADMIN_PORT: '0' };
    expect(await complaintOf(['up'], other)).to.match(
      /another mesh holds the data folder .*process \d+.*: stop it with meshmart down/,
    );
    const status = runMeshmart(['status', '--json'], environment());
    expect(await status.exited, status.output()).to.equal(0);
    expect(JSON.parse(status.output())).to.include({ ready: true, pid: shop.pid });
    const down = runMeshmart(['down'], environment());
    expect(await down.exited, down.output()).to.equal(0);
    expect(down.output()).to.equal('stopped\n');
    expect(await complaintOf(['status'], environment())).to.match(/no mesh runs on the data folder/);
  });
});
